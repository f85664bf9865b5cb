//! The OpenAPI document at `/openapi.json`, and Swagger UI at `/docs`, where each call of it can be tried.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    http::{
        HeaderValue, StatusCode, Uri,
        header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get},
};
use serde_json::Value;
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};

use crate::page::{HTML, SCRIPT, file};

/// As that of the other pages, and with the icons that Swagger UI's style sheet contains.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The document, the page, and the files of Swagger UI, which are compiled into the app.
pub(crate) fn docs(document: &Value) -> Router {
    let document: Arc<str> = document.to_string().into();
    let api_definition = OpenApiSource::Uri("/openapi.json");
    let files = generate_routes(ApiDefinition { uri_prefix: "/docs/ui", api_definition, title: None });
    let page = Router::new()
        .route("/docs", file(HTML, include_str!("page/docs.html")))
        .route("/page/docs.js", file(SCRIPT, include_str!("page/docs.js")))
        .merge(files)
        .layer(map_response(with_policy));
    Router::new()
        .route("/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], document.to_string())))
        .merge(page)
}

async fn with_policy(mut response: Response) -> Response {
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers what no route matches: the path of an endpoint with a method that it does not have, and any other path.
pub(crate) fn fallback(document: &Value) -> MethodRouter {
    let methods = |item: &Value| {
        let methods: Vec<String> =
            item.as_object().into_iter().flatten().map(|(name, _)| name.to_uppercase()).collect();
        methods.join(", ")
    };
    let paths = document["paths"].as_object().into_iter().flatten();
    let allowed: Arc<HashMap<String, String>> =
        Arc::new(paths.map(|(path, item)| (path.clone(), methods(item))).collect());
    any(async move |uri: Uri| match allowed.get(uri.path()) {
        Some(methods) => (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, methods.clone())]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}
