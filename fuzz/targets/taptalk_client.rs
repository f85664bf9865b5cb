//! TapTalk's answer to the client. The first byte chooses the HTTP status, the second one cuts the body into frames.
//!
//! A good answer is also tried with other statuses, of HTTP and in its envelope: the fuzzer itself would take too long to
//! find one of them beside a whole envelope.

#![no_main]

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, value::RawValue};
use tower::service_fn;
use tower_verify::taptalk::{ApiKey, Client, ClientErrorKind, Profile, TicketParameters, UserPlatform};
use tower_verify_fuzz::reference::{self, Shallow};

const LIMIT: usize = 3000;
const STATUSES: [u16; 8] = [200, 201, 204, 302, 400, 491, 500, 503];

fuzz_target!(|input: &[u8]| {
    let [status, cut, body @ ..] = input else { return };
    let (status, cut) = (STATUSES[usize::from(*status) % STATUSES.len()], usize::from(*cut));
    check(status, body, cut);
    if let (Some(_), Ok(text)) = (expected(body), std::str::from_utf8(body)) {
        // A twentieth of all statuses, which depends on the answer.
        let first = 100 + body.iter().fold(0, |sum, byte| (sum + u16::from(*byte)) % 20);
        for other in (first..1000).step_by(20) {
            check(other, body, cut);
            check(200, text.replacen("200", &other.to_string(), 1).as_bytes(), cut);
        }
    }
});

/// Lets the client ask a server that answers so.
fn check(status: u16, body: &[u8], cut: usize) {
    let status = StatusCode::from_u16(status).expect("it is a status");
    let body = Bytes::copy_from_slice(body);
    let http = service_fn(|_: Request<Full<Bytes>>| {
        let frames: Vec<_> = body.chunks(cut.max(1)).map(|part| Frame::data(Bytes::copy_from_slice(part))).collect();
        let trailers = (cut % 2 == 1).then(|| Frame::trailers(HeaderMap::new()));
        let frames = frames.into_iter().chain(trailers).map(Ok::<_, Infallible>);
        let mut answer = Response::new(StreamBody::new(stream::iter(frames)));
        *answer.status_mut() = status;
        async { Ok::<_, Infallible>(answer) }
    });
    let client = Client::new(http, ApiKey::new("id", "secret")).expect("the key is valid");
    let client = client.answer_limit(LIMIT).without_deadline();
    let parameters = TicketParameters::new(Profile::new("287", "Ann"), UserPlatform::Web, "d", "203.0.113.9", "agent");

    let mut asking = Box::pin(client.request_ticket(parameters));
    // After 128 frames, other tasks have a turn.
    let asked = (0..100).find_map(|_| asking.as_mut().now_or_never()).expect("it is never pending for long");
    let expected = expected(&body).filter(|_| status.is_success() && body.len() <= LIMIT);
    match asked {
        Ok(ticket) => {
            let got = (ticket.user_id, ticket.ticket.expose_secret().to_owned());
            assert_eq!(Some(got), expected);
        }
        Err(error) => {
            assert_eq!(expected, None, "a good ticket is lost: {error}");
            assert_eq!(error.kind() == ClientErrorKind::TooLarge, body.len() > LIMIT);
            assert!(!error.to_string().contains("secret"));
            let refused = error.api_error().is_some();
            assert_eq!(refused, error.kind() == ClientErrorKind::Refused);
        }
    }
}

/// The user's id and the ticket, if the whole envelope is there, once. Members without a meaning are not decoded: their text may
/// have half of a surrogate pair.
fn expected(body: &[u8]) -> Option<(String, String)> {
    let envelope = reference::all_members::<Box<RawValue>>(body, |name| ["status", "error", "data"].contains(&name))?;
    let once = |name: &str| {
        let mut found = envelope.iter().filter(|(given, _)| given == name).map(|(_, value)| value.get());
        (found.next(), found.next().is_some())
    };
    let (Some(status), false) = once("status") else { return None };
    let (Some(data), false) = once("data") else { return None };
    let error_is_fit = match once("error") {
        (None | Some("null"), false) => true,
        (Some(error), false) => {
            let names = ["code", "message", "field"];
            let error = reference::all_members::<Shallow>(error.as_bytes(), |name| names.contains(&name))?;
            names.into_iter().all(|name| {
                let values: Vec<_> =
                    error.iter().filter(|(given, _)| given == name).map(|(_, value)| &value.0).collect();
                matches!(values[..], [] | [Value::String(_) | Value::Null])
            })
        }
        _ => false,
    };
    let [user_id, ticket] = reference::members(data.as_bytes(), ["userID", "ticket"])?;
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let status_is_good = serde_json::from_str::<Value>(status).is_ok_and(|status| status == 200);
    (error_is_fit && status_is_good).then_some(())?;
    Some((text(user_id)?, text(ticket)?))
}
