use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::WWW_AUTHENTICATE};

use crate::{Outcome, RejectionKind};

// Contract: DY-4, DY-22.
/// Makes `response` a refusal of `outcome`. It keeps the status 200 for every outcome, except 401 for an unknown caller.
pub(super) fn refusal<V>(outcome: &Outcome<V>, mut response: Response<Bytes>) -> Response<Bytes> {
    if matches!(outcome, Outcome::Rejected(rejection) if rejection.kind() == RejectionKind::UnknownCaller) {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

/// The challenge that every 401 must have (RFC 9110, section 15.5.2).
///
/// Its scheme is named after the header `Auth-Token`, for which none is registered.
// A constant: `from_static` checks every character, and would do so again for each response.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Auth-Token realm=\"diyalog\"");
