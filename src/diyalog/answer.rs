use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};

use crate::{Outcome, RejectionKind};

// Constants: `from_static` checks every character, and would do so again for each response.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

// Contract: DY-4, DY-22.
/// The response to `outcome` with this body. The status is 200 for every outcome, except 401 for an unknown caller.
pub(super) fn answer<V>(outcome: &Outcome<V>, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    if matches!(outcome, Outcome::Rejected(rejection) if rejection.kind() == RejectionKind::UnknownCaller) {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

/// The challenge that every 401 must have (RFC 9110, section 15.5.2).
///
/// Its scheme is named after the header `Auth-Token`, for which none is registered.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Auth-Token realm=\"diyalog\"");
