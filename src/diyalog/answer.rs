use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};

use crate::{Outcome, RejectionKind};

// Constants, because `from_static` looks at every character, and would do so for every answer.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

// Contract: DY-4, DY-22.
/// The answer that says `body` about `outcome`: what was decided is in the body alone, and the status is 200 for
/// whatever the outcome is, but for a caller that has no business here.
pub(super) fn answer<V>(outcome: &Outcome<V>, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    if matches!(outcome, Outcome::Rejected(rejection) if rejection.kind() == RejectionKind::UnknownCaller) {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

/// RFC 9110, section 15.5.2: every 401 has one. It is named after the header, for which there is no registered scheme.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Auth-Token realm=\"diyalog\"");
