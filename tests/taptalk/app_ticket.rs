//! The app's endpoint issues a ticket only to a known caller, and only after a good answer from TapTalk.

use std::{convert::Infallible, future::pending, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request as AxumRequest},
    middleware::{self, Next},
};
use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy, rt::TokioExecutor};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_verify::{
    BoxError, ClientAddr, ConfigError, PeerAddr, Verifier, VerifyLayer,
    taptalk::{AppCaller, AppTicketEndpoint, AppTicketIssuer, Client, Profile, Ticket, TicketParameters},
};

use crate::{
    client::Lives,
    support::{Behaviour, GOOD, REFUSED, TICKET, TapTalk, ada, client, listen, serve, server_key},
};

/// A verifier that knows one bearer token. For other tokens it denies, fails, panics or hangs.
#[derive(Clone)]
struct Callers;

impl Verifier<AppCaller> for Callers {
    async fn verify(&self, request: Request<AppCaller>) -> Result<Option<Profile>, BoxError> {
        match request.headers().get("authorization").map(|value| value.as_bytes()) {
            Some(b"Bearer ada") => Ok(Some(ada())),
            Some(b"Bearer error") => Err("connection to 10.0.0.7 refused".into()),
            Some(b"Bearer panic") => panic!("605b32dd"),
            Some(b"Bearer hang") => pending().await,
            _ => Ok(None),
        }
    }
}

async fn app(_: Request<String>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("the app")))
}

const BODY: &str = r#"{"userPlatform": "ios", "userDeviceID": "device-7"}"#;

fn call(authorization: &str, body: &str) -> Request<String> {
    Request::post("/taptalk/auth_ticket")
        .header("authorization", authorization)
        .header("user-agent", "Acme/1.0")
        .extension(PeerAddr("203.0.113.9:4711".parse().unwrap()))
        .body(body.to_owned())
        .unwrap()
}

/// Sends `request` to the app's endpoint, which calls TapTalk with `client`.
async fn ask<C>(client: C, request: Request<String>) -> (u16, HeaderMap, String)
where
    C: Service<TicketParameters, Response = Ticket, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let layer = VerifyLayer::new(AppTicketEndpoint::new(), AppTicketIssuer::new(Callers, client));
    let layer = layer.body_limit(256).deadline(Duration::from_secs(1));
    let (head, body) = layer.layer(tower::service_fn(app)).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(head.headers["content-type"], "application/json");
    assert_eq!(head.headers["cache-control"], "no-store");
    let body = String::from_utf8(body.into()).unwrap();
    assert_eq!(head.status == 200, body.contains(TICKET), "{body}");
    (head.status.as_u16(), head.headers, body)
}

// Contract: TT-16.
#[tokio::test]
async fn a_known_caller_gets_a_ticket() {
    let taptalk = TapTalk::start([Behaviour::answers(200, GOOD)]).await;
    let (status, headers, body) = ask(taptalk.client(), call("Bearer ada", BODY)).await;
    assert_eq!((status, &*body), (200, r#"{"userID":"6","ticket":"ticket-2121sa"}"#));
    assert!(!headers.contains_key("www-authenticate"));

    let [request] = &taptalk.requests()[..] else { panic!("TapTalk was not called once") };
    assert!(!request.headers().contains_key("authorization"), "the app's credential was sent to TapTalk");
    assert_eq!(
        serde_json::from_slice::<Value>(request.body()).unwrap(),
        json!({
            "userIPAddress": "203.0.113.9", "userAgent": "Acme/1.0", "userPlatform": "ios", "userDeviceID": "device-7",
            "xcUserID": "customer-7", "fullName": "Ada Lovelace",
        })
    );
}

#[tokio::test]
async fn taptalk_is_called_only_for_a_known_caller_and_a_good_request() {
    let taptalk = TapTalk::start([Behaviour::answers(200, GOOD)]).await;
    let mut without_peer = call("Bearer ada", BODY);
    without_peer.extensions_mut().clear();
    let mut without_user_agent = call("Bearer ada", BODY);
    without_user_agent.headers_mut().remove("user-agent");
    for (request, status, error) in [
        (call("Bearer eve", BODY), 401, "invalid_token"),
        (call("", BODY), 401, "invalid_token"),
        (call("Bearer ada", ""), 400, "invalid_request"),
        (call("Bearer ada", r#"{"userPlatform": "ios"}"#), 400, "invalid_request"),
        (call("Bearer ada", r#"{"userPlatform": "symbian", "userDeviceID": "d"}"#), 400, "invalid_request"),
        (without_user_agent, 400, "invalid_request"),
        (call("Bearer ada", &format!("{BODY:<257}")), 413, "invalid_request"),
        (without_peer, 500, "server_error"),
        (call("Bearer error", BODY), 500, "server_error"),
        (call("Bearer panic", BODY), 500, "server_error"),
    ] {
        let (answered, headers, body) = ask(taptalk.client(), request).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((answered, &body["error"]), (status, &json!(error)), "{body}");
        assert!(body["error_description"].is_string() && body.as_object().unwrap().len() == 2);
        assert_eq!(headers.get("www-authenticate").is_some(), status == 401);
        assert!(!body.to_string().contains("10.0.0.7"));
    }
    assert!(taptalk.requests().is_empty());
}

#[tokio::test]
async fn any_failure_of_taptalk_is_answered_502() {
    for behaviour in [
        Behaviour::answers(200, REFUSED),
        Behaviour::answers(500, GOOD),
        Behaviour::answers(200, "garbage"),
        Behaviour::Redirects("http://127.0.0.1/".to_owned()),
        Behaviour::Sends(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"),
        Behaviour::Closes,
    ] {
        let taptalk = TapTalk::start([behaviour.clone()]).await;
        let (status, _, body) = ask(taptalk.client(), call("Bearer ada", BODY)).await;
        let expected = r#"{"error":"temporarily_unavailable","error_description":"TapTalk gave no ticket"}"#;
        assert_eq!((status, &*body), (502, expected), "{behaviour:?}");
    }
}

#[tokio::test]
async fn the_endpoint_works_with_towers_retry_and_timeout_around_the_client() {
    let taptalk = TapTalk::start([Behaviour::Closes, Behaviour::answers(200, GOOD)]).await;
    let patient = ServiceBuilder::new().timeout(Duration::from_secs(60)).retry(Lives(1)).service(taptalk.client());
    assert_eq!(ask(patient, call("Bearer ada", BODY)).await.0, 200);

    let taptalk = TapTalk::start([Behaviour::SendsAndHangs(b"")]).await;
    let hasty = ServiceBuilder::new().timeout(Duration::from_millis(50)).service(taptalk.client());
    assert_eq!(ask(hasty, call("Bearer ada", BODY)).await.0, 502);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_the_client_is_answered_502() {
    let http = tower::service_fn(|_: Request<Full<Bytes>>| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let client = Client::new(http, server_key()).unwrap();
    for (client, authorization) in [
        (client.clone().without_deadline(), "Bearer ada"),
        (client.clone().deadline(Duration::from_millis(500)), "Bearer ada"),
        (client, "Bearer hang"),
    ] {
        assert_eq!(ask(client, call(authorization, BODY)).await.0, 502);
    }
}

proptest! {
    /// The law: a ticket is issued only if the caller is known, and TapTalk's HTTP status and envelope are both good.
    #[test]
    fn only_a_positive_verdict_is_answered_with_a_ticket(
        caller in prop::sample::select(vec!["Bearer ada", "Bearer eve", "Bearer error", "Bearer panic", ""]),
        http_status in 200_u16..600,
        status in prop_oneof![Just(json!(200)), (0_u16..1000).prop_map(|status| json!(status)), Just(json!("200"))],
        data in prop_oneof![
            3 => Just(json!({"userID": "6", "ticket": TICKET})),
            1 => prop::sample::select(vec![
                json!({}), json!(null), json!(TICKET), json!({"userID": "6"}), json!({"ticket": TICKET}),
                json!({"userID": 6, "ticket": TICKET}), json!({"userID": "", "ticket": TICKET}),
                json!({"userID": "6", "ticket": ""}), json!({"userID": "6", "ticket": [TICKET]}),
            ]),
        ],
        end in prop_oneof![5 => Just(usize::MAX), 1 => 0_usize..90],
    ) {
        let envelope = json!({"status": status, "error": {"code": "", "message": "", "field": ""}, "data": data});
        let mut body = envelope.to_string();
        let is_whole = end >= body.len();
        body.truncate(end);
        let http = tower::service_fn(move |_: Request<Full<Bytes>>| {
            let mut response = Response::new(Full::<Bytes>::from(body.clone()));
            *response.status_mut() = StatusCode::from_u16(http_status).unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let client = Client::new(http, server_key()).unwrap();
        let (answered, ..) = block_on(ask(client, call(caller, BODY)));
        let good = caller == "Bearer ada"
            && (200..300).contains(&http_status)
            && status == json!(200)
            && data == json!({"userID": "6", "ticket": TICKET})
            && is_whole;
        prop_assert_eq!(answered == 200, good);
        prop_assert!(good || [401, 500, 502].contains(&answered));
    }
}

fn layer(
    taptalk: &TapTalk,
    client_addr: Result<ClientAddr, ConfigError>,
) -> VerifyLayer<AppTicketEndpoint, impl Verifier<tower_verify::taptalk::AppTicketRequest>> {
    let endpoint = AppTicketEndpoint::new().client_addr(client_addr.unwrap());
    VerifyLayer::new(endpoint, AppTicketIssuer::new(Callers, client(&taptalk.base_url())))
}

/// Calls the app at `address` over a socket as a proxy would, and returns the `userIPAddress` that is sent to TapTalk.
async fn address_told(taptalk: &TapTalk, address: SocketAddr) -> Value {
    let mut request = call("Bearer ada", BODY).map(Full::<Bytes>::from);
    request.extensions_mut().clear();
    request.headers_mut().insert("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
    *request.uri_mut() = format!("http://{address}/taptalk/auth_ticket").parse().unwrap();
    let browser = legacy::Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    assert_eq!(browser.request(request).await.unwrap().status(), 200);
    let requests = taptalk.requests();
    serde_json::from_slice::<Value>(requests[0].body()).unwrap()["userIPAddress"].clone()
}

#[tokio::test]
async fn axum_supplies_the_address_of_the_connection() {
    let taptalk = TapTalk::start([Behaviour::answers(200, GOOD)]).await;
    for (client_addr, told) in [(Ok(ClientAddr::peer()), "127.0.0.1"), (ClientAddr::x_forwarded_for(1), "203.0.113.9")]
    {
        let app = Router::new().layer(layer(&taptalk, client_addr)).layer(middleware::from_fn(
            |ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: AxumRequest, next: Next| async move {
                request.extensions_mut().insert(PeerAddr(address));
                next.run(request).await
            },
        ));
        let (listener, address) = listen().await;
        tokio::spawn(async { axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await });
        assert_eq!(address_told(&taptalk, address).await, told);
    }
}

#[tokio::test]
async fn hyper_supplies_the_address_of_the_connection() {
    let taptalk = TapTalk::start([Behaviour::answers(200, GOOD)]).await;
    for (client_addr, told) in [(Ok(ClientAddr::peer()), "127.0.0.1"), (ClientAddr::x_forwarded_for(1), "203.0.113.9")]
    {
        let app = layer(&taptalk, client_addr).layer(tower::service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
        let address = serve(app).await;
        assert_eq!(address_told(&taptalk, address).await, told);
    }
}
