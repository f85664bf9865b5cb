//! Several endpoints in one layer.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_verify::{
    BoxError, ConfigError, Endpoints, Route, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict},
    talkdesk::{AuthVerdict, Credentials, Parameters, Validator},
    verifier_fn,
};

use crate::support::{APP, Answer, GOOD, MALFORMED, PARTNER_PATH, UNKNOWN, app, app_call, customer, partner_call};

type App = BoxCloneSyncService<Request<String>, http::Response<http_body_util::Full<Bytes>>, Infallible>;

fn agent() -> VerifyLayer<AgentEndpoint, impl tower_verify::Verifier<AgentToken>> {
    VerifyLayer::new(
        AgentEndpoint::new(),
        verifier_fn(|_: Request<AgentToken>| async { Ok::<_, BoxError>(AgentVerdict::validated("7")) }),
    )
}

fn talkdesk() -> VerifyLayer<Validator, impl tower_verify::Verifier<Credentials>> {
    VerifyLayer::new(
        Validator::new().legacy_no_content(true),
        verifier_fn(|_: Request<Credentials>| async { Ok::<_, BoxError>(AuthVerdict::Granted(Parameters::new())) }),
    )
}

fn layered<L>(layer: L) -> App
where
    L: Layer<tower::util::ServiceFn<fn(Request<String>) -> AppFuture>>,
    L::Service: Service<
            Request<String>,
            Response = http::Response<http_body_util::Full<Bytes>>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    BoxCloneSyncService::new(layer.layer(service_fn(the_app as fn(_) -> _)))
}

type AppFuture = futures::future::BoxFuture<'static, Result<http::Response<http_body_util::Full<Bytes>>, Infallible>>;

fn the_app(request: Request<String>) -> AppFuture {
    Box::pin(app(request))
}

async fn ask(app: &App, request: Request<String>) -> Answer {
    Answer::of(app.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn each_endpoint_responds_with_its_own_verifier() -> Result<(), ConfigError> {
    let app = layered(Endpoints::new().with(customer())?.with(agent())?.with(talkdesk())?);
    for (body, word) in [(GOOD, "Validated"), (UNKNOWN, "InvalidToken"), (MALFORMED, "BadRequest")] {
        ask(&app, partner_call(body)).await.is_word(word);
    }
    let check = |path: &str| Request::get(path).body(String::new()).unwrap();
    assert_eq!(ask(&app, check("/CheckToken?sessionId=1&userId=2&token=3")).await.status, 200);
    let granted = Request::post("/auth").body(String::from(r#"{"auth": {"username": "john"}}"#)).unwrap();
    ask(&app, granted).await.is(204, "");
    ask(&app, app_call()).await.is(200, APP);
    // Another method, and paths of the same length.
    ask(&app, Request::get(PARTNER_PATH).body(String::new()).unwrap()).await.is(200, APP);
    ask(&app, check("/checktoken")).await.is(200, APP);
    ask(&app, check("/auto")).await.is(200, APP);
    Ok(())
}

#[tokio::test]
async fn without_an_endpoint_every_request_passes() {
    let app = layered(Endpoints::new());
    ask(&app, partner_call(GOOD)).await.is(200, APP);
    ask(&app, app_call()).await.is(200, APP);
}

#[test]
fn two_endpoints_with_one_route_are_a_config_error() -> Result<(), ConfigError> {
    let error = Endpoints::new().with(customer())?.with(customer()).unwrap_err();
    assert!(error.to_string().contains(PARTNER_PATH), "{error}");
    let post = |path| Route::new(Method::POST, path);
    let at = |route| customer().route(route);
    for (first, second) in [
        (Route::exact("/a")?, post("/a")?),
        (post("/a")?, Route::exact("/a")?),
        (post("/a")?, Route::exact("/a")?.methods([Method::GET, Method::POST])),
        (post("/a")?, post("/a")?.when(|_| true)),
        (Route::prefix("/a")?, Route::prefix("/a")?),
        (Route::any(), Route::any()),
    ] {
        assert!(Endpoints::new().with(at(first.clone()))?.with(at(second.clone())).is_err(), "{first:?} {second:?}");
    }
    for (first, second) in [
        (post("/a")?, post("/b")?),
        (post("/a")?, Route::new(Method::GET, "/a")?),
        (post("/a")?.when(|_| true), post("/a")?),
        (post("/a")?, Route::prefix("/a")?),
    ] {
        assert!(Endpoints::new().with(at(first))?.with(at(second)).is_ok());
    }
    Ok(())
}

#[tokio::test]
async fn the_first_of_two_matching_endpoints_responds() -> Result<(), ConfigError> {
    let checks = |head: tower_verify::RequestHead<'_>| head.uri().query() == Some("check=1");
    let exact = Route::new(Method::POST, "/partner/check")?;
    let app = layered(
        Endpoints::new()
            .with(talkdesk().route(exact.clone().when(checks)))?
            .with(customer().route(exact))?
            .with(talkdesk().route(Route::prefix("/partner/")?))?,
    );
    let ask = async |path: &str, body: &str| ask(&app, Request::post(path).body(body.into()).unwrap()).await;
    ask("/partner/check?check=1", r#"{"auth": {"username": "john"}}"#).await.is(204, "");
    ask("/partner/check", GOOD).await.is_word("Validated");
    ask("/partner/other", r#"{"auth": {"username": "john"}}"#).await.is(204, "");
    ask("/partners", GOOD).await.is(200, APP);
    Ok(())
}

#[tokio::test]
async fn a_disabled_endpoint_refuses_and_lets_nothing_pass() -> Result<(), ConfigError> {
    let app = layered(Endpoints::new().with(customer().enabled(false))?.with(agent())?);
    ask(&app, partner_call(GOOD)).await.is_word("InternalError");
    ask(&app, Request::get("/checkauthtoken").body(String::new()).unwrap()).await.is(200, APP);
    Ok(())
}

#[tokio::test]
async fn endpoints_are_a_layer_in_a_service_builder_and_a_router() -> Result<(), ConfigError> {
    let endpoints = Endpoints::new().with(customer())?.with(agent())?;
    let plain = ServiceBuilder::new().layer(endpoints.clone()).service_fn(app);
    Answer::of(plain.oneshot(partner_call::<String>(GOOD)).await.unwrap()).await.is_word("Validated");
    let router = axum::Router::new().layer(endpoints);
    Answer::of(router.oneshot(partner_call::<axum::body::Body>(GOOD)).await.unwrap()).await.is_word("Validated");
    Ok(())
}
