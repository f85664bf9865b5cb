//! A ticket office behind its four endpoints, as a backend and an app see it: a login from the ticket to its end.

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_verify::{
    BoxError, GuardLayer, ManualClock, Verifier, VerifyLayer,
    layer::GuardedBody,
    store::MemoryStore,
    taptalk::{
        AccessTokenEndpoint, ApiKey, ApiKeys, AuthTicketEndpoint, ConnectEndpoint, Device, Profile, RefreshEndpoint,
        SocketGuard, TicketExchange, TicketOffice, TicketParameters, TicketRequest, TicketVerdict, TokenVerdict, User,
        UserPlatform,
    },
    token::KeyRing,
};

const TICKET: &str = "/v1/server/auth_ticket/request";
const TOKEN: &str = "/v1/auth/access_token/request";
const REFRESH: &str = "/v1/auth/access_token/refresh";

fn office(clock: &ManualClock) -> TicketOffice<MemoryStore> {
    TicketOffice::new("", MemoryStore::new().clock(clock.clone()), KeyRing::generate().unwrap())
        .unwrap()
        .server_keys(ApiKeys::new([ApiKey::new("backend", "s3cr3t")]).unwrap())
        .app_keys(ApiKeys::new([ApiKey::new("android", "pl:41n")]).unwrap())
        .clock(clock.clone())
}

struct Server {
    app: BoxCloneSyncService<Request<Full<Bytes>>, Response<Bytes>, BoxError>,
}

impl Server {
    fn new(clock: &ManualClock) -> Self {
        let office = office(clock);
        let app = ServiceBuilder::new()
            .layer(VerifyLayer::new(AuthTicketEndpoint::new(), office.clone()))
            .layer(VerifyLayer::new(AccessTokenEndpoint::new(), office.clone()))
            .layer(VerifyLayer::new(RefreshEndpoint::new(), office.clone()))
            .layer(VerifyLayer::new(ConnectEndpoint::new(), office))
            .service(service_fn(|_: Request<Full<Bytes>>| async {
                Ok::<_, BoxError>(Response::builder().status(StatusCode::NOT_FOUND).body(Full::<Bytes>::default())?)
            }));
        let app = app.and_then(|response: Response<Full<Bytes>>| async {
            let (head, body) = response.into_parts();
            Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        });
        Self { app: BoxCloneSyncService::new(app) }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice(response.body()).unwrap()
    }

    async fn ticket(&self, xc_user_id: &str, full_name: &str) -> Value {
        let body = json!({
            "userIPAddress": "203.0.113.7", "userAgent": "okhttp/4.9.1", "userPlatform": "android",
            "userDeviceID": "7a6c", "xcUserID": xc_user_id, "fullName": full_name, "email": "", "phone": null,
        });
        self.send("POST", TICKET, &[("Server-Key", &BASE64_STANDARD.encode("backend:s3cr3t"))], &body.to_string()).await
    }

    async fn exchange(&self, ticket: &str, body: &str) -> Value {
        let app_key = BASE64_STANDARD.encode("android:pl:41n");
        let headers = [("Authorization", &*format!("Bearer {ticket}")), ("App-Key", &app_key)];
        self.send("POST", TOKEN, &headers, body).await
    }

    async fn refresh(&self, token: &str) -> Value {
        self.send("POST", REFRESH, &[("Authorization", &format!("Bearer {token}"))], "").await
    }

    async fn check(&self, token: &str) -> Value {
        self.send("GET", "/connect?check=1", &[("Authorization", &format!("Bearer {token}"))], "").await
    }
}

fn clock() -> ManualClock {
    ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

fn data<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer["data"][name].as_str().unwrap_or_else(|| panic!("{answer}"))
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap()
}

// Contract: TT-1, TT-2, TT-3, TT-9, TT-40103.
#[tokio::test]
async fn a_login_lasts_from_its_ticket_until_a_refresh_token_is_reused() {
    let clock = clock();
    let server = Server::new(&clock);
    let ticket = server.ticket("287", "Ann Example").await;
    assert_eq!(ticket["status"], 200);
    let tokens = server.exchange(data(&ticket, "ticket"), "\"\"").await;
    assert_eq!(
        tokens["data"]["user"],
        json!({
            "userID": data(&ticket, "userID"), "xcUserID": "287", "fullname": "Ann Example",
            "imageURL": {"thumbnail": "", "fullsize": ""}, "username": "", "email": "", "phone": "",
        })
    );
    assert_eq!(tokens["data"]["accessTokenExpiry"], 1_700_003_600_000_u64);
    assert_eq!(tokens["data"]["refreshTokenExpiry"], 1_702_592_000_000_u64);
    assert_eq!(
        server.check(data(&tokens, "accessToken")).await,
        json!({"status": 200, "error": {"code": "", "message": "", "field": ""}, "data": {}})
    );

    clock.advance(Duration::from_secs(3600));
    assert_eq!(code(&server.check(data(&tokens, "accessToken")).await), "40104");
    let renewed = server.refresh(data(&tokens, "refreshToken")).await;
    assert_eq!(renewed["data"]["user"], tokens["data"]["user"]);
    assert_eq!(server.check(data(&renewed, "accessToken")).await["status"], 200);

    let repeated = server.refresh(data(&tokens, "refreshToken")).await;
    assert_eq!(repeated, renewed, "a repeat gets the first answer");
    clock.advance(Duration::from_secs(10));
    assert_eq!(code(&server.refresh(data(&tokens, "refreshToken")).await), "40103");
    assert_eq!(code(&server.check(data(&renewed, "accessToken")).await), "40103");
    assert_eq!(code(&server.refresh(data(&renewed, "refreshToken")).await), "40103");
}

// Contract: TT-12.
/// The check and the socket share one path. The app behind the guard answers with the user of the socket.
#[tokio::test]
async fn the_socket_guard_reads_the_query_or_the_headers_and_lets_the_check_be_answered() {
    let clock = clock();
    let office = office(&clock);
    let parameters = TicketParameters::new(Profile::new("287", "Ann"), UserPlatform::Web, "7a6c", "::1", "Example/1");
    let request = TicketRequest::new(ApiKey::new("backend", "s3cr3t"), parameters);
    let TicketVerdict::Issued(ticket) = office.verify(Request::new(request)).await.unwrap() else { panic!() };
    let exchange =
        TicketExchange::new(ticket.ticket, ApiKey::new("android", "pl:41n")).with_device(Device::new("7a6c"));
    let TokenVerdict::Issued(tokens) = office.verify(Request::new(exchange)).await.unwrap() else { panic!() };

    let app = ServiceBuilder::new()
        .layer(VerifyLayer::new(ConnectEndpoint::new(), office.clone()))
        .layer(GuardLayer::new(SocketGuard::new(), office.clone()))
        .service(service_fn(async |request: Request<GuardedBody<Full<Bytes>>>| {
            let user: &User = request.extensions().get().expect("the guard adds the user");
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(format!("{} {}", user.user_id, request.uri()))))
        }));
    let ask = async |uri: &str, headers: &[(&str, &str)]| {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let response = app.clone().oneshot(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap())
    };
    let token = tokens.access_token.expose_secret();
    let (bearer, key) = (format!("Bearer {token}"), BASE64_STANDARD.encode("android:pl:41n"));
    let query = format!("/connect?v=1&authorization={token}&app_key={key}&device_identifier=7a6c");
    let headers =
        [("authorization", &*bearer), ("app-key", &key), ("device-identifier", "7a6c"), ("upgrade", "websocket")];
    let user = &tokens.user.user_id;
    assert_eq!(ask(&query, &[]).await, (200, format!("{user} /connect?v=1")));
    assert_eq!(ask("/connect", &headers).await, (200, format!("{user} /connect")));
    let (status, envelope) = ask("/connect?check=1", &headers[..3]).await;
    assert_eq!((status, envelope.contains(r#""status":200"#)), (200, true), "{envelope}");

    for (uri, status, code) in [
        ("/connect".to_owned(), 401, "40101"),
        ("/connect?authorization=605b32dd".to_owned(), 401, "40103"),
        (query.replace("7a6c", "605b"), 401, "40105"),
        (query.replace(&key, "YTpi"), 491, "49103"),
    ] {
        let (answered, envelope) = ask(&uri, &[]).await;
        assert_eq!((answered, envelope.contains(code)), (status, true), "{envelope}");
    }
    clock.advance(Duration::from_secs(3600));
    assert_eq!(ask(&query, &[]).await.0, 401);
}

#[tokio::test]
async fn a_ticket_is_exchanged_once_whatever_body_the_client_sends() {
    let server = Server::new(&clock());
    for body in ["\"\"", "{}", "", "anything"] {
        let ticket = server.ticket("287", "Ann Example").await;
        assert_eq!(server.exchange(data(&ticket, "ticket"), body).await["status"], 200);
        assert_eq!(code(&server.exchange(data(&ticket, "ticket"), body).await), "40103");
    }
}

#[tokio::test]
async fn unknown_malformed_and_expired_tickets_get_their_own_codes() {
    let clock = clock();
    let (server, other) = (Server::new(&clock), Server::new(&clock));
    let ticket = server.ticket("287", "Ann Example").await;
    let elsewhere = other.ticket("287", "Ann Example").await;
    for unknown in ["605b32dd", data(&elsewhere, "ticket"), &data(&ticket, "ticket")[1..]] {
        assert_eq!(code(&server.exchange(unknown, "").await), "40103");
    }
    assert_eq!(code(&server.exchange("not a ticket", "").await), "40102");
    clock.advance(Duration::from_secs(3600));
    assert_eq!(code(&server.exchange(data(&ticket, "ticket"), "").await), "40104");
}

#[tokio::test]
async fn an_unknown_key_id_and_a_wrong_secret_get_the_same_answer() {
    let server = Server::new(&clock());
    let body = r#"{"userIPAddress":"a","userAgent":"b","userPlatform":"ios","userDeviceID":"c","xcUserID":"d","fullName":"e"}"#;
    let mut answers = Vec::new();
    for key in ["backend:guess", "guess:s3cr3t", "guess:guess"] {
        answers.push(server.send("POST", TICKET, &[("Server-Key", &BASE64_STANDARD.encode(key))], body).await);
    }
    assert_eq!(code(&answers[0]), "49103");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_second_ticket_updates_the_same_user() {
    let server = Server::new(&clock());
    let first = server.ticket("287", "Ann Example").await;
    let second = server.ticket("287", "Ann Married").await;
    assert_eq!(data(&first, "userID"), data(&second, "userID"));
    assert!(data(&first, "userID").parse::<i32>().unwrap() > 0);
    let tokens = server.exchange(data(&first, "ticket"), "").await;
    assert_eq!(tokens["data"]["user"]["fullname"], "Ann Married");
}
