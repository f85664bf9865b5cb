use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::WWW_AUTHENTICATE};

use crate::{
    ConfigError, Failure, FailureKind, Outcome, Rejection, RejectionKind,
    wire::response::{json_text, oauth_error, retry_after},
};

/// Responses to everything but a positive verdict: a status of 400 or more, and an error of RFC 6749.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    malformed: StatusCode,
    no_verdict: StatusCode,
}

impl Refusal {
    /// Responds with the status `malformed` to malformed requests, and with `no_verdict` when there is no verdict.
    pub(super) const fn new(malformed: StatusCode, no_verdict: StatusCode) -> Self {
        Self { malformed, no_verdict }
    }

    /// Responds with `status` when there is no verdict.
    pub(super) fn no_verdict_status(&mut self, status: StatusCode) -> Result<(), ConfigError> {
        if !status.is_client_error() && !status.is_server_error() {
            return Err(ConfigError::new(format!("`no_verdict_status` must be 4xx or 5xx, not {}", status.as_u16())));
        }
        self.no_verdict = status;
        Ok(())
    }

    // Contract: TD-11.
    /// The response to `outcome`.
    pub(super) fn refused<V>(&self, outcome: &Outcome<V>) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(_) => refuse(StatusCode::UNAUTHORIZED, DENIED),
            Outcome::Rejected(rejection) => self.rejected(rejection),
            Outcome::Failed(failure) => self.failed(failure),
        }
    }

    // Contract: TD-13, TD-14.
    fn rejected(&self, rejection: &Rejection) -> Response<Bytes> {
        let (status, error) = match rejection.kind() {
            RejectionKind::Malformed => (self.malformed, "invalid_request"),
            RejectionKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
            RejectionKind::NoCredential => (StatusCode::UNAUTHORIZED, "invalid_request"),
            RejectionKind::UnknownCaller => (StatusCode::UNAUTHORIZED, "invalid_client"),
        };
        challenge(oauth_error(status, error, rejection.detail()))
    }

    // Contract: TD-12.
    /// The response when there is no verdict. It gives no reason, except that a throttled caller is told to wait.
    fn failed(&self, failure: &Failure) -> Response<Bytes> {
        let body = if failure.kind() == FailureKind::Throttled { THROTTLED } else { NOT_VERIFIED };
        let mut response = refuse(self.no_verdict, body);
        retry_after(&mut response, failure.retry_after());
        response
    }
}

const DENIED: &str = r#"{"error":"access_denied","error_description":"the credentials are not valid"}"#;
const NOT_VERIFIED: &str = r#"{"error":"server_error","error_description":"the credentials could not be verified"}"#;
const THROTTLED: &str = r#"{"error":"temporarily_unavailable","error_description":"too many failed attempts"}"#;

/// The response with this body, which is JSON.
fn refuse(status: StatusCode, body: &'static str) -> Response<Bytes> {
    challenge(json_text(status, body))
}

/// Adds the challenge if the status is 401.
fn challenge(mut response: Response<Bytes>) -> Response<Bytes> {
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

/// The challenge that every 401 must have (RFC 9110, section 15.5.2).
///
/// No registered scheme is for credentials in the body, and one such as `Basic` would make a browser ask its user.
// A constant: `from_static` checks every character, and would do so again for each response.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Talkdesk realm=\"auth\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_is_a_status_for_no_verdict() {
        let mut refusal = Refusal::new(StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED);
        for status in 100..=999 {
            let accepted = refusal.no_verdict_status(StatusCode::from_u16(status).unwrap()).is_ok();
            assert_eq!(accepted, (400..600).contains(&status), "{status}");
        }
    }
}
