//! The same check as a plain handler for hyper: without a body limit, a deadline, a panic guard, constant-time
//! comparison or a check for duplicate keys.

use std::convert::Infallible;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tower::service_fn;
use tower_service::Service;

use super::{TOKEN, bare::TEXT};

/// The body that Diyalog sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    pub(crate) device_id: String,
    pub(crate) dlg_token: String,
    pub(crate) customer_no: String,
    pub(crate) device_hash: Option<String>,
}

/// The handler as a service for any type of request body.
pub(crate) fn app<B: Body<Data: Send> + Send + 'static>()
-> impl Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone {
    service_fn(handle)
}

async fn handle<B: Body>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let word = match (request.method(), request.uri().path()) {
        (&Method::POST, "/checkauthtoken") => match request.into_body().collect().await {
            Ok(body) => match serde_json::from_slice::<Payload>(&body.to_bytes()) {
                Ok(payload) if payload.dlg_token == TOKEN => "Validated",
                Ok(_) => "InvalidToken",
                Err(_) => "BadRequest",
            },
            Err(_) => "BadRequest",
        },
        (&Method::GET, "/") => return Ok(home()),
        _ => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Ok(response);
        }
    };
    let mut response = Response::new(Full::new(Bytes::from_static(word.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The answer of the app's own route.
pub(crate) fn home() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(TEXT.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
