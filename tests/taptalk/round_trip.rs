//! A chat session from the login to its end, over sockets between an app, its backend and a ticket server.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response, header::COOKIE, request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_verify::{
    BoxError, Clock, ManualClock, VerifyLayer,
    store::MemoryStore,
    taptalk::{
        AccessTokenEndpoint, ApiKey, ApiKeys, AppCaller, AppTicketEndpoint, AppTicketIssuer, AuthTicketEndpoint,
        ConnectEndpoint, Profile, RefreshEndpoint, TicketOffice,
    },
    token::KeyRing,
    verifier_fn,
};

use crate::support::{HttpClient, client, serve, server_key};

/// `app:pl41n` in base64.
const APP_KEY: &str = "YXBwOnBsNDFu";

/// Serves a ticket office under `/api`, as TapTalk does.
async fn ticket_server(clock: &ManualClock) -> SocketAddr {
    let store = MemoryStore::new().clock(clock.clone());
    let office = TicketOffice::new("", store, KeyRing::generate().unwrap())
        .unwrap()
        .server_keys(ApiKeys::new([server_key()]).unwrap())
        .app_keys(ApiKeys::new([ApiKey::new("app", "pl41n")]).unwrap())
        .clock(clock.clone());
    let ticket = VerifyLayer::new(AuthTicketEndpoint::new(), office.clone()).path("/api/v1/server/auth_ticket/request");
    let exchange =
        VerifyLayer::new(AccessTokenEndpoint::new(), office.clone()).path("/api/v1/auth/access_token/request");
    let refresh = VerifyLayer::new(RefreshEndpoint::new(), office.clone()).path("/api/v1/auth/access_token/refresh");
    let check = VerifyLayer::new(ConnectEndpoint::new(), office).path("/api/connect");
    let app = ServiceBuilder::new()
        .layer(ticket.unwrap())
        .layer(exchange.unwrap())
        .layer(refresh.unwrap())
        .layer(check.unwrap())
        .service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::builder().status(404).body(Full::<Bytes>::default()).unwrap())
        });
    serve(app).await
}

/// Serves an app's backend: a login by name sets a cookie, and a user with a cookie gets a ticket.
async fn backend(ticket_server: SocketAddr) -> SocketAddr {
    type Sessions = Arc<Mutex<HashMap<String, String>>>;

    async fn log_in(sessions: Sessions, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let name = request.into_body().collect().await.unwrap().to_bytes();
        let mut sessions = sessions.lock().unwrap();
        let cookie = format!("session={}", sessions.len());
        sessions.insert(cookie.clone(), String::from_utf8(name.into()).unwrap());
        Ok(Response::builder().header("set-cookie", cookie).body(Full::default()).unwrap())
    }

    let sessions = Sessions::default();
    let known = Arc::clone(&sessions);
    let callers = verifier_fn(move |request: Request<AppCaller>| {
        let cookie = request.headers().get(COOKIE).and_then(|cookie| cookie.to_str().ok());
        let name = cookie.and_then(|cookie| known.lock().unwrap().get(cookie).cloned());
        async { Ok::<_, BoxError>(name.map(|name| Profile::new(format!("id-of-{name}"), name))) }
    });
    let issuer = AppTicketIssuer::new(callers, client(&format!("http://{ticket_server}/api")));
    let app = ServiceBuilder::new()
        .layer(VerifyLayer::new(AppTicketEndpoint::new(), issuer))
        .service_fn(move |request| log_in(Arc::clone(&sessions), request));
    serve(app).await
}

/// An app on a user's device, with the chat's SDK in it.
struct App {
    http: HttpClient,
    backend: SocketAddr,
    ticket_server: SocketAddr,
}

impl App {
    async fn send(&self, request: request::Builder, body: &str) -> Response<String> {
        let request = request.header("user-agent", "Acme/1.0").body(Full::from(body.to_owned())).unwrap();
        let (head, body) = self.http.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response::from_parts(head, String::from_utf8(body.into()).unwrap())
    }

    /// Logs in with the app's backend, and returns the cookie.
    async fn log_in(&self, name: &str) -> String {
        let response = self.send(Request::post(format!("http://{}/login", self.backend)), name).await;
        response.headers()["set-cookie"].to_str().unwrap().to_owned()
    }

    /// Asks the app's backend for a ticket, and returns the HTTP status and the answer.
    async fn ticket(&self, cookie: &str) -> (u16, Value) {
        let request = Request::post(format!("http://{}/taptalk/auth_ticket", self.backend)).header("cookie", cookie);
        let response = self.send(request, r#"{"userPlatform": "ios", "userDeviceID": "device-7"}"#).await;
        (response.status().as_u16(), serde_json::from_str(response.body()).unwrap())
    }

    /// Calls the ticket server as the SDK does. The HTTP status is always 200.
    async fn call(&self, method: &str, path: &str, bearer: &Value) -> Envelope {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}/api{path}", self.ticket_server))
            .header("authorization", format!("Bearer {}", bearer.as_str().expect("tokens are strings")))
            .header("app-key", APP_KEY);
        let response = self.send(request, "").await;
        assert_eq!(response.status(), 200);
        let mut envelope: Value = serde_json::from_str(response.body()).unwrap();
        let code = envelope["error"]["code"].as_str().unwrap().to_owned();
        Envelope { status: envelope["status"].as_u64().unwrap(), code, data: envelope["data"].take() }
    }

    async fn exchange(&self, ticket: &Value) -> Envelope {
        self.call("POST", "/v1/auth/access_token/request", ticket).await
    }

    async fn refresh(&self, tokens: &Value) -> Envelope {
        self.call("POST", "/v1/auth/access_token/refresh", &tokens["refreshToken"]).await
    }

    async fn check(&self, tokens: &Value) -> Envelope {
        self.call("GET", "/connect?check=1", &tokens["accessToken"]).await
    }
}

struct Envelope {
    status: u64,
    code: String,
    data: Value,
}

impl Envelope {
    #[track_caller]
    fn into_data(self) -> Value {
        assert_eq!((self.status, &*self.code), (200, ""));
        self.data
    }

    #[track_caller]
    fn expect_code(self, code: &str) {
        assert_eq!((self.status, &*self.code, self.data), (401, code, json!({})));
    }
}

const INVALID: &str = "40103";
const EXPIRED: &str = "40104";

#[tokio::test]
async fn a_chat_session_lasts_from_login_to_revocation() {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let ticket_server = ticket_server(&clock).await;
    let backend = backend(ticket_server).await;
    let app = App { http: legacy::Client::builder(TokioExecutor::new()).build_http(), backend, ticket_server };

    // Without a login there is no ticket.
    assert_eq!(app.ticket("session=0").await.0, 401);
    let cookie = app.log_in("ada").await;
    let (status, issued) = app.ticket(&cookie).await;
    assert_eq!(status, 200);

    // The ticket is exchanged for tokens once, and is not an access token itself.
    app.check(&json!({"accessToken": issued["ticket"]})).await.expect_code(INVALID);
    let first = app.exchange(&issued["ticket"]).await.into_data();
    let user = &first["user"];
    assert_eq!((&user["userID"], &user["xcUserID"]), (&issued["userID"], &json!("id-of-ada")));
    assert_eq!(first["accessTokenExpiry"], clock.unix_millis() + 3_600_000);
    app.exchange(&issued["ticket"]).await.expect_code(INVALID);
    assert_eq!(app.check(&first).await.into_data(), json!({}));

    // The access token expires and is renewed; both tokens rotate.
    clock.advance(Duration::from_secs(3600));
    app.check(&first).await.expect_code(EXPIRED);
    let second = app.refresh(&first).await.into_data();
    assert_ne!(second["accessToken"], first["accessToken"]);
    assert_ne!(second["refreshToken"], first["refreshToken"]);
    app.check(&second).await.into_data();
    app.check(&first).await.expect_code(EXPIRED);

    // The old refresh token is used again. Within the grace period this is a repeat. After it, it means theft, and all
    // tokens of the login are revoked.
    assert_eq!(app.refresh(&first).await.into_data(), second);
    clock.advance(Duration::from_secs(10));
    app.refresh(&first).await.expect_code(INVALID);
    app.check(&second).await.expect_code(INVALID);
    app.refresh(&second).await.expect_code(INVALID);

    // The user is still logged in to the app, and gets another ticket with the same id. Another user has another id.
    let (status, again) = app.ticket(&cookie).await;
    assert_eq!((status, &again["userID"]), (200, &issued["userID"]));
    let third = app.exchange(&again["ticket"]).await.into_data();
    app.check(&third).await.into_data();
    let (_, other) = app.ticket(&app.log_in("grace").await).await;
    assert_ne!(other["userID"], issued["userID"]);

    // A ticket expires after an hour if it is not exchanged.
    clock.advance(Duration::from_secs(3600));
    app.exchange(&other["ticket"]).await.expect_code(EXPIRED);
}

#[tokio::test]
async fn a_wrong_server_key_and_invalid_parameters_get_no_ticket() {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
    let office = ticket_server(&clock).await;
    let http: HttpClient = legacy::Client::builder(TokioExecutor::new()).build_http();
    let wrong = tower_verify::taptalk::Client::new(http, ApiKey::new("key-id", "605b32de")).unwrap();
    let wrong = wrong.base_url(&format!("http://{office}/api")).unwrap();
    let error = wrong.request_ticket(crate::support::parameters()).await.unwrap_err();
    let api = error.api_error().expect("a refusal of the ticket server");
    assert_eq!((api.status, &*api.code), (491, "49103"));

    let mut too_long = crate::support::parameters();
    too_long.profile.xc_user_id = "x".repeat(51).into();
    let right = client(&format!("http://{office}/api"));
    let error = right.request_ticket(too_long).await.unwrap_err();
    assert_eq!(error.api_error().map(|api| (&*api.code, &*api.field)), Some(("40002", "105")));
}
