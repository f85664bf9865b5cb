//! The page at `/`, on which the calls of the tour are made by clicking, and the page at `/agent_case`, which embeds
//! Diyalog for an agent. Both are plain files that are compiled into the app.

use axum::{
    Json, Router,
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    response::IntoResponse,
    routing::{MethodRouter, get},
};

use crate::tour::CHAPTERS;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
pub(crate) const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Everything comes from the app itself, and nobody else may show these pages in a frame. A page that embeds the real
/// Diyalog names its origin in `frame-src`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

pub(crate) fn pages() -> Router {
    Router::new()
        .route("/", file(HTML, include_str!("page/tour.html")))
        .route("/page/tour.js", file(SCRIPT, include_str!("page/tour.js")))
        .route("/page/caller.js", file(SCRIPT, include_str!("page/caller.js")))
        .route("/page/tour.json", get(|| async { Json(CHAPTERS) }))
        .route("/page/style.css", file(CSS, include_str!("page/style.css")))
        .route("/page/icon.svg", file(SVG, include_str!("page/icon.svg")))
        .route("/agent_case", file(HTML, include_str!("page/agent_case.html")))
        .route("/page/agent_case.js", file(SCRIPT, include_str!("page/agent_case.js")))
        .route("/diyalog/app/agentchat.html", file(HTML, include_str!("page/agentchat.html")))
        .route("/page/agentchat.js", file(SCRIPT, include_str!("page/agentchat.js")))
}

pub(crate) fn file(content_type: &'static str, text: &'static str) -> MethodRouter {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    get(move || async move { (headers, text).into_response() })
}
