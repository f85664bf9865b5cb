//! The conforming server of the chat's socket: axum's, behind the guard, on a socket.

use std::time::Duration;

use axum::{Extension, Router, extract::ws::WebSocketUpgrade, response::Response, routing::any};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{service_fn, util::BoxCloneSyncService};
use tower_verify::{
    GuardLayer, Secret, Verifier, VerifyLayer,
    taptalk::{
        AccessVerdict, ApiKey, ConnectEndpoint, Device, KeyRefusal, Logout, SocketGuard, SocketRequest, SocketVerdict,
        User, conformance::SocketCalls,
    },
    verifier_fn,
};

use super::{
    apps::App,
    taptalk::{APP_KEY, Office, REFUSALS, office, pair, ticket, tokens},
};

pub(super) const DEVICE: &str = "conformance-1";

/// The server, and what a fault needs to know of it.
pub(super) struct SocketServer {
    /// The same app, called in process.
    pub(super) router: Router,
    /// The app over HTTP/1.1.
    pub(super) app: App,
    pub(super) calls: SocketCalls,
    pub(super) good: Secret,
    pub(super) expired: Secret,
    pub(super) refresh: Secret,
    pub(super) ended: Secret,
}

pub(super) async fn socket_server() -> SocketServer {
    let (office, clock) = office();
    let device = || Device::new(DEVICE);
    let expired = tokens(&office, device()).await.access_token;
    clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    let (good, ended) = (tokens(&office, device()).await, tokens(&office, device()).await.access_token);
    let mut logout = Logout::new(ended.clone(), ApiKey::new(APP_KEY.0, APP_KEY.1));
    logout.device = device();
    assert_eq!(office.verify(Request::new(logout)).await.unwrap(), AccessVerdict::Valid);
    let gone = tokens(&office, device()).await.access_token;

    let mut calls = SocketCalls::new(good.access_token.expose_secret(), &pair(APP_KEY), DEVICE)
        .other_app_key("other:s3cr3t")
        .refused_app_key(KeyRefusal::Expired, "Expired:s3cr3t")
        .expired_access_token(expired.clone())
        .ended_access_token(ended.clone())
        .token_of_gone_user(gone.clone())
        .refresh_token(good.refresh_token.clone())
        .ticket(ticket(&office).await)
        .failing_app_key("outage:s3cr3t");
    for refusal in REFUSALS {
        calls = calls.refused_app_key(refusal, format!("{refusal:?}:s3cr3t"));
    }
    let router = router(Office { office, gone });
    let app = over_http(router.clone()).await;
    SocketServer { router, app, calls, good: good.access_token, expired, refresh: good.refresh_token, ended }
}

fn router(office: Office) -> Router {
    let checks = office.clone();
    let sockets = verifier_fn(move |request: Request<SocketRequest>| {
        let office = office.clone();
        async move {
            if request.body().access_token == office.gone {
                return Ok(SocketVerdict::Refused(AccessVerdict::NoUser));
            }
            Verifier::<SocketRequest>::verify(&office, request).await
        }
    });
    let socket = async |Extension(_): Extension<User>, upgrade: WebSocketUpgrade| -> Response {
        upgrade.on_upgrade(async |socket| drop(socket))
    };
    Router::new()
        .route("/connect", any(socket))
        .layer(GuardLayer::new(SocketGuard::new(), sockets))
        .layer(VerifyLayer::new(ConnectEndpoint::new(), checks))
}

/// Serves the app, and returns a client for it.
async fn over_http(router: Router) -> App {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    BoxCloneSyncService::new(service_fn(move |mut request: Request<Full<Bytes>>| {
        let (client, target) = (client.clone(), format!("{base}{}", request.uri()));
        async move {
            *request.uri_mut() = target.parse::<Uri>().expect("the target is a URI");
            let (head, body) = client.request(request).await.expect("the server answers").into_parts();
            let body = body.collect().await.expect("the answer is whole").to_bytes();
            Ok(http::Response::from_parts(head, Full::from(body)))
        }
    }))
}
