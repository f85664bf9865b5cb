//! Builders of responses.
//!
//! A response with a body has `Cache-Control: no-store`, which the layer would add otherwise.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

/// A response in JSON: `application/json`.
///
/// ```
/// use http::StatusCode;
/// use serde_json::json;
/// use tower_verify::wire::response;
///
/// let response = response::json(StatusCode::OK, &json!({"allow": true}));
/// assert_eq!(response.body(), r#"{"allow":true}"#);
/// assert_eq!(response.headers()["content-type"], "application/json");
/// ```
///
/// # Panics
/// If `body` cannot be serialized: a map whose keys are not strings, or a `Serialize` that fails. The layer answers a
/// panic with HTTP status 500.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    json_text(status, serde_json::to_vec(body).expect("the body can be serialized as JSON"))
}

/// A response in JSON whose body is JSON already: `application/json`.
///
/// ```
/// use http::StatusCode;
/// use tower_verify::wire::response;
///
/// let response = response::json_text(StatusCode::OK, r#"{"allow":true}"#);
/// assert_eq!(response.body(), r#"{"allow":true}"#);
/// assert_eq!(response.headers()["content-type"], "application/json");
/// ```
pub fn json_text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");

    with_body(status, JSON, body.into())
}

/// A response in plain text: `text/plain; charset=utf-8`.
///
/// ```
/// use http::StatusCode;
/// use tower_verify::wire::response;
///
/// let response = response::text(StatusCode::OK, "allow");
/// assert_eq!(response.body(), "allow");
/// assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
/// ```
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

    with_body(status, PLAIN_TEXT, body.into())
}

// A copy of headers that were made once would be cheaper here. But it has no room for more, and hyper reads the headers
// of the next request into those of the last response.
#[inline]
fn with_body(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// A response without a body.
///
/// ```
/// use http::StatusCode;
/// use tower_verify::wire::response;
///
/// let response = response::empty(StatusCode::NO_CONTENT);
/// assert_eq!((response.status().as_u16(), response.body().len()), (204, 0));
/// ```
pub fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// An empty `401` with the challenge that it must have (RFC 9110, section 15.5.2).
///
/// ```
/// use tower_verify::wire::response;
///
/// let response = response::unauthorized(r#"Basic realm="radius""#);
/// assert_eq!(response.status(), 401);
/// assert_eq!(response.headers()["www-authenticate"], r#"Basic realm="radius""#);
/// ```
///
/// # Panics
/// If `challenge` has a character that no header can have.
pub fn unauthorized(challenge: &'static str) -> Response<Bytes> {
    let mut response = empty(StatusCode::UNAUTHORIZED);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// An error of OAuth 2.0 in JSON: `error` and `error_description` (RFC 6749, section 5.2).
///
/// ```
/// use http::StatusCode;
/// use tower_verify::wire::response;
///
/// let response = response::oauth_error(StatusCode::BAD_REQUEST, "invalid_request", "the token is missing");
/// assert_eq!(response.body(), r#"{"error":"invalid_request","error_description":"the token is missing"}"#);
/// ```
pub fn oauth_error(status: StatusCode, error: &'static str, error_description: &str) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Error<'a> {
        error: &'static str,
        error_description: &'a str,
    }

    json(status, &Error { error, error_description })
}

/// Sets `Retry-After` to `wait` in whole seconds, rounded up (RFC 9110, section 10.2.3). `None` sets no header.
///
/// ```
/// use std::time::Duration;
///
/// use http::StatusCode;
/// use tower_verify::{Failure, wire::response};
///
/// let failure = Failure::throttled(Duration::from_millis(1500));
/// let mut response = response::empty(StatusCode::SERVICE_UNAVAILABLE);
/// response::retry_after(&mut response, failure.retry_after());
/// assert_eq!(response.headers()["retry-after"], "2");
/// ```
pub fn retry_after(response: &mut Response<Bytes>, wait: Option<Duration>) {
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait).into());
    }
}

/// The seconds of `wait`, rounded up, so that a retry is never too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_rounds_up() {
        for (wait, seconds) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_secs(30), 30),
            (Duration::from_millis(30_001), 31),
            (Duration::MAX, u64::MAX),
        ] {
            assert_eq!(whole_seconds(wait), seconds);
        }
    }
}
