use std::{
    convert::Infallible,
    future::{Ready, ready},
    io,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, stream};
use http::{HeaderMap, Request, header::HeaderName};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Either, Full, StreamBody, combinators::UnsyncBoxBody};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};

use super::*;
use crate::{
    BoxError, CallerSecret, Failure, GuardLayer, SharedVerifier, Verifier,
    layer::{Guard, GuardFuture, GuardedBody, ResponseBody},
    talkdesk::Auth,
    verifier_fn,
};

/// The principal of these tests.
#[derive(Debug, Clone, PartialEq)]
struct Account(String);

type Guarded = GuardLayer<LaterCalls<Account>, SharedVerifier<Call<Account>>>;

assert_impl_all!(GuardLayer<LaterCalls<Rc<()>>, ()>: Send, Sync, Clone, Layer<()>);
assert_impl_all!(Guard<(), LaterCalls<Rc<()>>, ()>: Send, Sync, Clone);
assert_not_impl_any!(Guard<Rc<()>, LaterCalls<Account>, ()>: Send);
assert_impl_all!(GuardFuture<(), (), Ready<()>>: Send, Unpin);
assert_not_impl_any!(GuardFuture<Rc<()>, (), Ready<()>>: Send);

const GOOD: &str = r#"{"meta": {"offset": "1"}, "auth": {"username": "john@example.com", "token": "123456789"}}"#;
const DENIED: &str = r#"{"auth": {"username": "john@example.com", "token": "605b32dd"}}"#;

/// A guard whose verifier accepts the documented token.
fn guard() -> Guarded {
    guard_of(verifier_fn(|request: Request<Call<Account>>| {
        let auth = &request.body().auth;
        let verdict = match (auth.text("token"), auth.text("username")) {
            (Some(token), Some(username)) if *token == "123456789" => {
                CallVerdict::Verified(Account(username.expose_secret().to_owned()))
            }
            _ => CallVerdict::Denied,
        };
        ready(Ok::<_, BoxError>(verdict))
    }))
}

fn guard_of(verifier: impl Verifier<Call<Account>>) -> Guarded {
    GuardLayer::new(LaterCalls::new(), SharedVerifier::new(verifier))
}

/// A guarded service that must be polled ready before each call. It responds with the body and the principal it got.
///
/// A clone of a ready probe is not ready.
#[derive(Default)]
struct Probe {
    ready: bool,
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl<B> Service<Request<GuardedBody<B>>> for Probe
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody<UnsyncBoxBody<Bytes, B::Error>>>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<GuardedBody<B>>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called before it was polled ready");
        let account = request.extensions().get::<Account>().expect("a principal").0.clone();
        let response = Response::builder().status(201).header("account", account);
        ready(Ok(response.body(ResponseBody::new(request.into_body().boxed_unsync())).unwrap()))
    }
}

fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/contacts").body(Full::new(body.into())).unwrap()
}

/// The response to `request`. Checks the headers that all of the guard's own responses have.
async fn send<B>(guard: &Guarded, request: Request<B>) -> Response<String>
where
    B: Body<Data = Bytes, Error: std::fmt::Debug> + Send + 'static,
{
    let (head, body) = guard.layer(Probe::default()).oneshot(request).await.unwrap().into_parts();
    if head.status != 201 {
        assert_eq!(head.headers["cache-control"], "no-store");
        assert_eq!(head.headers["content-type"], "application/json");
        assert_eq!(head.headers.contains_key("www-authenticate"), head.status == 401);
    }
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}

fn answer(guard: &Guarded, request: Request<Full<Bytes>>) -> Response<String> {
    send(guard, request).now_or_never().expect("nothing is pending")
}

fn status(guard: &Guarded, body: impl Into<Bytes>) -> u16 {
    answer(guard, post(body)).status().as_u16()
}

#[test]
fn a_verified_call_reaches_the_app_with_its_body_and_principal() {
    let response = answer(&guard(), post(GOOD));
    assert_eq!((response.status().as_u16(), response.body().as_str()), (201, GOOD));
    assert_eq!(response.headers()["account"], "john@example.com");
    assert!(!response.headers().contains_key("cache-control"), "the response is the app's own");
}

#[test]
fn a_principal_in_the_extensions_is_replaced() {
    let mut request = post(GOOD);
    request.extensions_mut().insert(Account("admin".to_owned()));
    assert_eq!(answer(&guard(), request).headers()["account"], "john@example.com");
}

// Contract: TD-24.
#[test]
fn every_other_call_is_refused_with_401() {
    for (body, error) in [
        (DENIED, "access_denied"),
        ("", "invalid_request"),
        ("{}", "invalid_request"),
        (r#"{"auth": null}"#, "invalid_request"),
        (r#"{"auth": {"token": "123456789", "username": "a", "x": [1]}}"#, "invalid_request"),
        (r#"{"auth": {"token": "123456789", "username": "a", "tok\u0065n": "1"}}"#, "invalid_request"),
    ] {
        let response = answer(&guard(), post(body));
        assert_eq!(response.status(), 401, "{body}");
        assert!(response.body().starts_with(&format!("{{\"error\":\"{error}\"")), "{}", response.body());
    }
    let get = Request::get("/").body(Full::default()).unwrap();
    assert_eq!(answer(&guard(), get).status(), 401, "every method and path is guarded");
}

#[test]
fn a_second_auth_is_refused_wherever_it_is() {
    let auth = r#""auth": {"username": "a", "token": "123456789"}"#;
    for other in ["\"auth\": {}", "\"\\u0061uth\": {}", "\"auth\": null", auth] {
        assert_eq!(status(&guard(), format!("{{{auth}, {other}}}")), 401, "{other}");
        assert_eq!(status(&guard(), format!("{{{other}, {auth}}}")), 401, "{other}");
        let far = format!("{{{auth}, \"data\": \"{}\", {other}}}", "x".repeat(100_000));
        assert_eq!(status(&guard(), far), 401, "{other}");
        assert_eq!(status(&guard(), format!("{{{auth}}} {{{other}}}")), 401, "{other}");
    }
    assert_eq!(
        status(&guard(), format!("{{{auth}, \"data\": {{{auth}, {auth}}}}}")),
        201,
        "only the outer `auth` counts"
    );
}

#[test]
fn the_limit_is_1_mib_or_the_one_set() {
    let body = |length: usize| format!("{GOOD}{}", " ".repeat(length - GOOD.len()));
    assert_eq!(status(&guard(), body(1024 * 1024)), 201);
    assert_eq!(status(&guard(), body(1024 * 1024 + 1)), 413);
    assert_eq!(status(&guard().body_limit(GOOD.len()), GOOD), 201);
    assert_eq!(status(&guard().body_limit(GOOD.len() - 1), GOOD), 413);
}

#[test]
fn without_a_verdict_no_call_gets_through() {
    type Verifies = SharedVerifier<Call<Account>>;
    let failures: [(Verifies, &str, Option<&str>); 4] = [
        (SharedVerifier::new(verifier_fn(|_| ready(Err::<CallVerdict<Account>, _>("605b32dd")))), "server_error", None),
        (
            SharedVerifier::new(verifier_fn(|_| async { panic!("605b32dd") as Result<_, BoxError> })),
            "server_error",
            None,
        ),
        (
            SharedVerifier::new(verifier_fn(|_| -> Ready<Result<_, BoxError>> { panic!("605b32dd") })),
            "server_error",
            None,
        ),
        (
            SharedVerifier::new(verifier_fn(|_| ready(Err(Failure::throttled(Duration::from_millis(1500)))))),
            "temporarily_unavailable",
            Some("2"),
        ),
    ];
    // Contract: TD-25.
    let bad_gateway = LaterCalls::new().no_verdict_status(StatusCode::BAD_GATEWAY).unwrap();
    for (verifier, error, retry_after) in failures {
        for (contract, status) in [(LaterCalls::new(), 503), (bad_gateway.clone(), 502)] {
            let response = answer(&GuardLayer::new(contract, verifier.clone()), post(GOOD));
            assert_eq!(response.status(), status);
            assert!(response.body().contains(error) && !response.body().contains("605b"), "{}", response.body());
            assert_eq!(response.headers().get("retry-after").map(|wait| wait.to_str().unwrap()), retry_after);
        }
    }
    assert!(LaterCalls::<Account>::new().no_verdict_status(StatusCode::OK).is_err());
}

#[test]
fn the_caller_is_checked_before_the_body_is_read() {
    let header = HeaderName::from_static("x-proxy");
    let guard = guard().caller_secret(CallerSecret::new(header.clone(), ["605b32dd"]).unwrap());
    let response = answer(&guard, post(GOOD));
    assert_eq!(response.status(), 401);
    assert!(response.body().contains("invalid_client"));
    let mut request = post(GOOD);
    request.headers_mut().insert(header, "605b32dd".parse().unwrap());
    assert_eq!(answer(&guard, request).status(), 201);
}

#[test]
fn frames_and_trailers_pass_byte_for_byte() {
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", 7.into());
    let mut frames: Vec<_> = GOOD.as_bytes().chunks(9).map(|chunk| Frame::data(Bytes::from_static(chunk))).collect();
    frames.push(Frame::trailers(trailers.clone()));
    let body = StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, Infallible>)));
    let request = Request::post("/").header("content-type", "application/json").body(body).unwrap();
    let response = guard().layer(Probe::default()).oneshot(request).now_or_never().unwrap().unwrap();
    let body = response.into_body().collect().now_or_never().unwrap().unwrap();
    assert_eq!(body.trailers(), Some(&trailers));
    assert_eq!(body.to_bytes(), GOOD);
}

#[test]
fn a_body_that_breaks_off_is_refused() {
    let frames = [Ok(Frame::data(Bytes::from_static(GOOD.as_bytes()))), Err(io::ErrorKind::ConnectionReset)];
    let request = Request::post("/").body(StreamBody::new(stream::iter(frames))).unwrap();
    assert_eq!(send(&guard(), request).now_or_never().unwrap().status(), 401);
}

#[test]
fn the_verifier_and_the_app_see_the_request() {
    let guard = guard_of(verifier_fn(|request: Request<Call<Account>>| {
        let seen = format!("{} {} {:?}", request.method(), request.uri(), request.headers()["x-account"]);
        ready(Ok::<_, BoxError>(CallVerdict::Verified(Account(seen))))
    }));
    let app = service_fn(|request: Request<GuardedBody<Full<Bytes>>>| async move {
        assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("PUT", "/a?b=c"));
        assert_eq!(request.headers()["x-account"], "7");
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(
            request.extensions().get::<Account>().unwrap().0.clone(),
        )))
    });
    let request = Request::put("/a?b=c").header("x-account", "7").body(Full::<Bytes>::from(GOOD)).unwrap();
    let response = guard.layer(app).oneshot(request).now_or_never().unwrap().unwrap();
    let body = response.into_body().collect().now_or_never().unwrap().unwrap();
    assert_eq!(body.to_bytes(), "PUT /a?b=c \"7\"");
}

#[test]
fn auth_is_decoded_into_a_custom_type() {
    #[derive(serde::Deserialize)]
    struct Stored {
        login_id: u32,
    }

    let verifier = verifier_fn(|request: Request<Call<Account, Auth<Stored>>>| {
        let account = Account(request.body().auth.0.login_id.to_string());
        ready(Ok::<_, BoxError>(CallVerdict::Verified(account)))
    });
    let guard = GuardLayer::new(LaterCalls::new(), verifier);
    let send = |body| guard.layer(Probe::default()).oneshot(post(body)).now_or_never().unwrap().unwrap();
    assert_eq!(send(r#"{"auth": {"login_id": 12}}"#).headers()["account"], "12");
    for body in [r#"{"auth": {}}"#, r#"{"auth": {"login_id": "12"}}"#, r#"{"auth": {"login_id": 12, "login_id": 12}}"#]
    {
        assert_eq!(send(body).status(), 401, "{body}");
    }
}

/// Polls `service` ready, and names the type of its requests for inference.
fn made_ready<S>(service: &mut S) -> tower::util::Ready<'_, S, Request<Full<Bytes>>>
where
    S: Service<Request<Full<Bytes>>>,
{
    service.ready()
}

#[tokio::test]
async fn each_call_goes_to_the_service_that_was_polled_ready() {
    let mut app = guard().layer(Probe::default());
    for (body, status) in [(GOOD, 201), (DENIED, 401), (GOOD, 201), (GOOD, 201)] {
        assert_eq!(made_ready(&mut app).await.unwrap().call(post(body)).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn only_admitted_calls_take_a_permit_of_the_app() {
    let silent = || {
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        Request::post("/").body(Either::<Full<Bytes>, _>::Right(body)).unwrap()
    };
    let whole = |body: &'static str| {
        post(body).map(Either::<_, StreamBody<stream::Pending<Result<Frame<Bytes>, Infallible>>>>::Left)
    };
    let app = ServiceBuilder::new().layer(guard()).layer(ConcurrencyLimitLayer::new(1)).service(Probe::default());
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(app.clone().oneshot(silent()))).collect();
    for call in &mut waiting {
        assert!(call.now_or_never().is_none(), "its body does not arrive");
    }
    for (body, status) in [(GOOD, 201), (DENIED, 401), (DENIED, 401), (GOOD, 201)] {
        let response = app.clone().oneshot(whole(body)).now_or_never().expect("there is a permit").unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn errors_are_those_of_the_inner_service() {
    #[derive(Debug, PartialEq)]
    struct Own;
    let failing = service_fn(|_: Request<GuardedBody<Full<Bytes>>>| ready(Err::<Response<Full<Bytes>>, _>(Own)));
    let app = guard().layer(failing);
    assert_eq!(app.clone().oneshot(post(GOOD)).await.map(|_| ()), Err(Own));
    assert_eq!(app.oneshot(post(DENIED)).await.unwrap().status(), 401);
}

#[test]
fn the_inner_future_need_not_be_send() {
    let local = service_fn(|_: Request<GuardedBody<Full<Bytes>>>| {
        let rc = Rc::new(());
        async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(Rc::strong_count(&rc).to_string()))) }
    });
    let response = guard().layer(local).oneshot(post(GOOD)).now_or_never().unwrap().unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn axum_routes_extract_the_principal_and_the_body() {
    use axum::{Extension, Json, Router, routing::post as route};

    let contacts = |Extension(Account(name)): Extension<Account>, Json(body): Json<serde_json::Value>| async move {
        format!("{name} {}", body["meta"]["offset"])
    };
    let app: Router = Router::new().route("/contacts", route(contacts)).layer(guard());
    for (body, status, text) in [(GOOD, 200, Some("john@example.com \"1\"")), (DENIED, 401, None)] {
        let request =
            Request::post("/contacts").header("content-type", "application/json").body(body.to_owned()).unwrap();
        let response: Response<axum::body::Body> = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(text.is_none_or(|text| body == text), "{body:?}");
    }
}

#[cfg(feature = "deadline")]
mod deadline {
    use std::future::pending;

    use futures_util::future::BoxFuture;
    use tokio::time::Instant;

    use super::*;

    async fn timed<B>(guard: &Guarded, request: Request<B>) -> (u16, u128)
    where
        B: Body<Data = Bytes, Error: std::fmt::Debug> + Send + 'static,
    {
        let start = Instant::now();
        let status = send(guard, request).await.status().as_u16();
        (status, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn it_covers_reading_and_verifying() {
        let hanging = guard_of(verifier_fn(|_| pending::<Result<_, BoxError>>()));
        assert_eq!(timed(&hanging, post(GOOD)).await, (503, 5000));
        let panics_when_dropped = guard_of(verifier_fn(|_| async {
            struct Held;
            impl Drop for Held {
                fn drop(&mut self) {
                    panic!("605b32dd");
                }
            }
            let _held = Held;
            pending::<Result<_, BoxError>>().await
        }));
        assert_eq!(timed(&panics_when_dropped, post(GOOD)).await, (503, 5000));
        assert_eq!(timed(&hanging.deadline(Duration::from_millis(70)), post(GOOD)).await, (503, 70));
        let stalled = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert_eq!(timed(&guard(), Request::post("/").body(stalled).unwrap()).await, (503, 5000));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_verdict() {
        let slow = service_fn(
            |_: Request<GuardedBody<Full<Bytes>>>| -> BoxFuture<'static, Result<Response<Full<Bytes>>, Infallible>> {
                Box::pin(async {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    Ok(Response::default())
                })
            },
        );
        assert_eq!(guard().layer(slow).oneshot(post(GOOD)).await.unwrap().status(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn it_can_be_switched_off() {
        let slow = guard_of(verifier_fn(|_| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, BoxError>(CallVerdict::Verified(Account(String::new())))
        }));
        assert_eq!(timed(&slow, post(GOOD)).await, (503, 5000));
        assert_eq!(timed(&slow.without_deadline(), post(GOOD)).await, (201, 60_000));
    }
}
