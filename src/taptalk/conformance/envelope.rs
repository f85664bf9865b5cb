//! The answers of a ticket server, and how its clients read them.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::conformance::Expected;

/// Whether the most lenient client could take an answer for a good one.
pub(super) fn is_admitted(answer: &Response<Bytes>) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(answer.body()) else { return false };
    let given = |name: &str| body["data"][name].as_str().is_some_and(|text| !text.is_empty());
    body["status"] == 200 || body["status"] == "200" || given("ticket") || given("accessToken")
}

/// The envelope with this pattern of `data`.
pub(super) fn good(data: &str) -> Expected {
    let error = r#"{"code":"","message":"","field":""}"#;
    envelope(200, &format!(r#"{{"status":200,"error":{error},"data":{data}}}"#)).admits()
}

/// The envelope with this code.
pub(super) fn error(code: &str) -> Expected {
    error_in(code, "")
}

/// The envelope with this code, about the parameter with this number.
pub(super) fn error_in(code: &str, field: &str) -> Expected {
    failed(200, code, field)
}

/// The envelope of an outage, with an HTTP status.
pub(super) fn no_verdict(http_status: u16) -> Expected {
    failed(http_status, "50001", "")
}

// Contract: TT-12.
/// The envelope of a refused upgrade with one of these codes. Its HTTP status is that of the body, or 200.
pub(super) fn not_opened(codes: &[&str]) -> Expected {
    let mirrored = |code: &str| code[..3].parse().expect("a code is a number");
    let answers = codes.iter().flat_map(|code| [mirrored(code), 200].map(|status| failed(status, code, "")));
    answers.reduce(Expected::or).expect("there is a code")
}

fn failed(http_status: u16, code: &str, field: &str) -> Expected {
    let (status, error) = (&code[..3], format!(r#"{{"code":"{code}","message":"<string>","field":"{field}"}}"#));
    envelope(http_status, &format!(r#"{{"status":{status},"error":{error},"data":{{}}}}"#))
}

// Contract: TT-8.
fn envelope(http_status: u16, pattern: &str) -> Expected {
    Expected::status(http_status).content_type("application/json").json(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lenient_client_is_easily_pleased() {
        for (body, admitted) in [
            (r#"{"status":200}"#, true),
            (r#"{"status":"200","data":{}}"#, true),
            (r#"{"status":400,"data":{"ticket":"605b"}}"#, true),
            (r#"{"data":{"accessToken":"605b"}}"#, true),
            (r#"{"status":401,"data":{"ticket":""}}"#, false),
            ("", false),
        ] {
            assert_eq!(is_admitted(&Response::new(Bytes::from(body))), admitted, "{body}");
        }
    }
}
