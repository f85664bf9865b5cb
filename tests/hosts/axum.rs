//! axum 0.8: where the layer sees the partner's calls, and where it does not.

use axum::{
    Router, ServiceExt,
    body::Body,
    extract::Request,
    response::Response,
    routing::{get, post},
};
use static_assertions::assert_impl_all;
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceBuilder, util::ServiceExt as _};
use tower_http::{
    catch_panic::CatchPanicLayer, cors::CorsLayer, limit::RequestBodyLimitLayer,
    sensitive_headers::SetSensitiveRequestHeadersLayer, timeout::TimeoutLayer,
};
use tower_verify::{Verify, VerifyLayer, diyalog::CustomerEndpoint};

use crate::support::{
    APP, APP_PATH, Answer, GOOD, MALFORMED, OneCustomer, PARTNER_PATH, PATIENCE, UNKNOWN, app_call, customer,
    customer_at, listen, partner_call, partner_call_to, send,
};

const FALLBACK: &str = "the fallback";

fn app() -> Router {
    Router::new().route(APP_PATH, get(|| async { APP }))
}

async fn fallback() -> &'static str {
    FALLBACK
}

async fn ask(router: &Router, request: Request) -> Answer {
    Answer::of(router.clone().oneshot(request).await.unwrap()).await
}

/// Asserts that the partner's calls are answered and that the app's requests pass through.
async fn assert_mounted(router: Router) {
    ask(&router, partner_call(GOOD)).await.is_word("Validated");
    ask(&router, partner_call(UNKNOWN)).await.is_word("InvalidToken");
    ask(&router, partner_call(MALFORMED)).await.is_word("BadRequest");
    ask(&router, app_call()).await.is(200, APP);
}

#[tokio::test]
async fn router_layer_sees_every_path() {
    let router = app().layer(customer());
    ask(&router, partner_call_to("/elsewhere", GOOD)).await.is(404, "");
    assert_mounted(router).await;
}

#[tokio::test]
async fn router_layer_after_the_fallback_sees_every_path() {
    let router = app().fallback(fallback).layer(customer());
    ask(&router, partner_call_to("/elsewhere", GOOD)).await.is(200, FALLBACK);
    assert_mounted(router).await;
}

#[tokio::test]
async fn router_layer_takes_precedence_over_a_route_of_the_same_path() {
    assert_mounted(app().route(PARTNER_PATH, post(|| async { "a route" })).layer(customer())).await;
}

#[tokio::test]
async fn routes_added_after_the_layer_do_not_matter() {
    assert_mounted(Router::new().layer(customer()).route(APP_PATH, get(|| async { APP }))).await;
}

#[tokio::test]
async fn a_fallback_set_after_the_layer_hides_the_endpoint() {
    let router = app().layer(customer()).fallback(fallback);
    ask(&router, partner_call(GOOD)).await.is(200, FALLBACK);
}

#[tokio::test]
async fn a_router_merged_after_the_layer_hides_the_endpoint() {
    let router = Router::new().layer(customer()).merge(app());
    ask(&router, partner_call(GOOD)).await.is(404, "");
    let router = Router::new().layer(customer()).merge(app().fallback(fallback));
    ask(&router, partner_call(GOOD)).await.is(200, FALLBACK);
}

#[tokio::test]
async fn route_layer_hides_the_endpoint() {
    let router = app().route_layer(customer());
    ask(&router, partner_call(GOOD)).await.is(404, "");
}

#[tokio::test]
async fn a_layer_inside_nest_hides_the_endpoint() {
    let router = Router::new().nest("/api", app().layer(customer()));
    ask(&router, partner_call(GOOD)).await.is(404, "");
    ask(&router, partner_call_to("/api/checkauthtoken", GOOD)).await.is(404, "");

    // With a fallback inside, the layer sees unmatched requests under the prefix. The prefix is cut off their paths.
    let router = Router::new().nest("/api", app().fallback(fallback).layer(customer()));
    ask(&router, partner_call(GOOD)).await.is(404, "");
    ask(&router, partner_call_to("/api/checkauthtoken", GOOD)).await.is_word("Validated");
}

#[tokio::test]
async fn route_service_serves_the_path_that_the_router_maps() {
    let router = app().route_service("/any/{path}", customer().into_service());
    ask(&router, partner_call_to("/any/path", GOOD)).await.is_word("Validated");
    ask(&router, partner_call_to("/any/other", UNKNOWN)).await.is_word("InvalidToken");
    ask(&router, partner_call(GOOD)).await.is(404, "");

    for method in ["GET", "HEAD", "PUT", "OPTIONS", "post"] {
        let request = Request::builder().method(method).uri("/any/path").body(Body::from(GOOD)).unwrap();
        let answer = ask(&router, request).await;
        answer.is(405, "");
        assert_eq!(answer.headers["allow"], "POST");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_disabled_route_service_refuses() {
    let router = app().route_service(PARTNER_PATH, customer().enabled(false).into_service());
    ask(&router, partner_call(GOOD)).await.is_word("InternalError");
    ask(&router, Request::get(PARTNER_PATH).body(Body::empty()).unwrap()).await.is(405, "");
    ask(&router, app_call()).await.is(200, APP);
}

#[tokio::test]
async fn route_service_works_inside_nest() {
    let api = Router::new().route_service(PARTNER_PATH, customer().into_service());
    let router = Router::new().nest("/api", api);
    ask(&router, partner_call_to("/api/checkauthtoken", GOOD)).await.is_word("Validated");
}

// A wrapped router responds with axum's own body.
assert_impl_all!(Verify<Router, VerifyLayer<CustomerEndpoint, OneCustomer>>: Service<Request, Response = Response>);

async fn assert_served(address: std::net::SocketAddr) {
    send(address, partner_call(GOOD)).await.is_word("Validated");
    send(address, app_call()).await.is(200, APP);
    send(address, partner_call_to("/elsewhere", GOOD)).await.is(404, "");
}

fn spawn_serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

#[tokio::test]
async fn a_layered_router_is_served() {
    let (listener, address) = listen().await;
    spawn_serve(listener, app().layer(customer()));
    assert_served(address).await;
}

#[tokio::test]
async fn a_wrapped_router_is_served() {
    let wrapped = customer().layer(app());
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, ServiceExt::<Request>::into_make_service(wrapped)).await });
    assert_served(address).await;
}

#[tokio::test]
async fn a_wrapped_router_is_served_as_the_fallback_of_another() {
    let (listener, address) = listen().await;
    spawn_serve(listener, Router::new().fallback_service(customer().layer(app())));
    assert_served(address).await;
}

#[tokio::test]
async fn several_layers_in_a_service_builder() {
    let layers = ServiceBuilder::new()
        .layer(customer_at("/first").0)
        .layer(customer_at("/second").0)
        .layer(customer_at("/off").0.enabled(false));
    let router = app().layer(layers);
    ask(&router, partner_call_to("/first", GOOD)).await.is_word("Validated");
    ask(&router, partner_call_to("/second", UNKNOWN)).await.is_word("InvalidToken");
    ask(&router, partner_call_to("/off", GOOD)).await.is_word("InternalError");
    ask(&router, app_call()).await.is(200, APP);
}

#[tokio::test]
async fn between_layers_of_tower_http() {
    let timeout = || TimeoutLayer::with_status_code(http::StatusCode::GATEWAY_TIMEOUT, PATIENCE);
    let layers = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(1024))
        .layer(CatchPanicLayer::new())
        .layer(SetSensitiveRequestHeadersLayer::new([http::header::AUTHORIZATION]))
        .layer(CorsLayer::permissive())
        .layer(timeout())
        .layer(customer())
        .layer(timeout())
        .layer(CorsLayer::permissive());
    let router = app().route("/panic", get(|| async { panic!("the app") as String })).layer(layers);

    let large = Request::post(PARTNER_PATH).header("content-length", 1025).body(Body::from(vec![b' '; 1025])).unwrap();
    assert_eq!(ask(&router, large).await.status, 413);
    assert_eq!(ask(&router, Request::get("/panic").body(Body::empty()).unwrap()).await.status, 500);
    assert_mounted(router).await;
}
