//! What the answers of several platforms have in common.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

/// An answer in JSON. `body` is made of texts and numbers.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).expect("texts and numbers are always JSON");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer with the members of an error of OAuth 2.0 (RFC 6749, section 5.2).
pub(crate) fn oauth_error(status: StatusCode, error: &'static str, error_description: &str) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Error<'a> {
        error: &'static str,
        error_description: &'a str,
    }

    json(status, &Error { error, error_description })
}

/// Tells the caller of a refusal when to come back, if that is known.
pub(crate) fn retry_after(response: &mut Response<Bytes>, wait: Option<Duration>) {
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait).into());
    }
}

/// The seconds of `wait`, rounded up: whoever comes back earlier comes too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_rounded_up() {
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
