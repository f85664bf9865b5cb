//! The same check as an axum handler, alone and under tower-http's protections.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::rejection::JsonRejection,
    http::{
        HeaderName, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE},
    },
    routing::post,
};
use tower_http::{
    catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, sensitive_headers::SetSensitiveRequestHeadersLayer,
    timeout::TimeoutLayer,
};

use super::{TOKEN, hand_written::Payload};

/// A router with the handler.
pub(crate) fn app() -> Router {
    Router::new().route("/checkauthtoken", post(handle)).with_state(())
}

/// The same router under tower-http's body limit, timeout, catch-panic and sensitive-headers layers.
pub(crate) fn protected() -> Router {
    protect(app())
}

/// Adds the same layers to a router.
pub(crate) fn protect(app: Router) -> Router {
    app.layer(RequestBodyLimitLayer::new(16 * 1024))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5)))
        .layer(CatchPanicLayer::new())
        .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION]))
}

type Answer = ([(HeaderName, &'static str); 2], &'static str);

async fn handle(payload: Result<Json<Payload>, JsonRejection>) -> Answer {
    let word = match payload {
        Ok(Json(payload)) if payload.dlg_token == TOKEN => "Validated",
        Ok(_) => "InvalidToken",
        Err(_) => "BadRequest",
    };
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], word)
}
