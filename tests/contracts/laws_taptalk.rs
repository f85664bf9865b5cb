//! What holds for every answer of TapTalk's endpoints, whatever was asked and however the check ended.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;
use tower_verify::{
    BoxError, Credential, Endpoint, Failure, Outcome, Rejection, VerifyLayer,
    taptalk::{
        AccessToken, AccessTokenRefresh, AccessVerdict, AuthTicket, Connect, Profile, Ticket, TicketVerdict,
        TokenVerdict, Tokens, User,
    },
    verifier_fn,
};

/// Stands in everything that only a positive verdict may send.
const SECRET: &str = "605b32dd";

/// The envelope as the strictest client reads it: all members, and no others; none null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    status: u16,
    error: ErrorMember,
    data: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorMember {
    code: String,
    message: String,
    field: String,
}

fn envelope(status: StatusCode, body: &[u8], mirrored: bool) -> Envelope {
    let text = String::from_utf8_lossy(body);
    let envelope: Envelope = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(status.as_u16(), if mirrored { envelope.status } else { 200 }, "{text}");
    envelope
}

fn assert_negative(status: StatusCode, body: &[u8], mirrored: bool) {
    let text = String::from_utf8_lossy(body);
    let Envelope { status, error, data } = envelope(status, body, mirrored);
    assert_ne!(status, 200, "{text}");
    assert_eq!((error.code.len(), &error.code[..3]), (5, &*status.to_string()), "{text}");
    assert!(!error.message.is_empty(), "{text}");
    assert!(error.field.is_empty() || error.field.parse::<u16>().is_ok_and(|field| (101..=112).contains(&field)));
    assert!(data.is_empty(), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}

fn assert_positive(response: &Response<Bytes>, mirrored: bool) {
    let Envelope { status, error, .. } = envelope(response.status(), response.body(), mirrored);
    assert_eq!((status, &*error.code, &*error.message, &*error.field), (200, "", "", ""));
}

/// The answer of `endpoint` to any outcome.
fn assert_answer<E: Endpoint>(endpoint: &E, outcome: Outcome<<E::Credential as Credential>::Verdict>, mirrored: bool) {
    let admits = outcome.admits();
    let response = endpoint.answer(outcome);
    if admits {
        assert_positive(&response, mirrored);
    } else {
        assert_negative(response.status(), response.body(), mirrored);
    }
}

/// Sends a request to `endpoint`, whose verifier says `verdict`. None of its answers may be read as admitted.
fn assert_denied<E, V>(endpoint: E, verdict: V, request: &Garbage, mirrored: bool)
where
    E: Endpoint<Credential: Credential<Verdict = V>>,
    V: Clone + Send + Sync + 'static,
{
    let verifier = verifier_fn(move |_: Request<E::Credential>| {
        let verdict = verdict.clone();
        async move { Ok::<_, BoxError>(verdict) }
    });
    let service = VerifyLayer::new(endpoint, verifier).into_service();
    let (head, body) = block_on(service.oneshot(request.request())).unwrap().into_parts();
    let body = block_on(body.collect()).unwrap().to_bytes();
    assert_negative(head.status, &body, mirrored);
}

#[derive(Debug, Clone)]
struct Garbage {
    method: Method,
    query: String,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Vec<u8>,
}

impl Garbage {
    fn with_method(&self, method: Method) -> Self {
        Self { method, ..self.clone() }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(&self.method).uri(format!("/?{}", self.query));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Full::from(self.body.clone())).unwrap()
    }
}

/// Requests that are sometimes good, mostly nearly good, and sometimes anything at all.
fn garbage() -> impl Strategy<Value = Garbage> {
    let name = prop_oneof![Just("server-key"), Just("app-key"), Just("authorization"), Just("content-type")];
    let value = prop_oneof![
        Just(&b"a2V5LTE6c2VjcmV0LTE="[..]).prop_map(<[u8]>::to_vec),
        Just(&b"Bearer abc"[..]).prop_map(<[u8]>::to_vec),
        "[ -~]{0,24}".prop_map(String::into_bytes),
        proptest::collection::vec(32..=255_u8, 0..24),
    ]
    .prop_filter_map("a header's value", |value| HeaderValue::from_bytes(&value).ok());
    let text = prop_oneof![Just("android".to_owned()), Just(String::new()), "\\PC{0,60}"].prop_map(Value::from);
    let member =
        prop_oneof![8 => text, 1 => Just(Value::Null), 1 => Just(Value::from(7)), 1 => Just(Value::from(vec![7]))];
    let members = proptest::collection::vec(member, 7).prop_map(|members| {
        let names = ["userIPAddress", "userAgent", "userPlatform", "userDeviceID", "xcUserID", "fullName", "email"];
        let members: serde_json::Map<_, _> = names.into_iter().map(str::to_owned).zip(members).collect();
        Value::Object(members).to_string().into_bytes()
    });
    let body = prop_oneof![4 => members, 1 => any::<Vec<u8>>(), 1 => "\\PC{0,40}".prop_map(String::into_bytes)];
    let query = prop_oneof![Just("check=1".to_owned()), "[a-z=&%0-9]{0,16}"];
    (query, proptest::collection::vec((name, value), 0..4), body).prop_map(|(query, headers, body)| Garbage {
        method: Method::POST,
        query,
        headers,
        body,
    })
}

fn tokens() -> Tokens {
    let mut profile = Profile::new(SECRET, SECRET);
    profile.email = Some(SECRET.into());
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    Tokens::new((SECRET, expiry), (SECRET, expiry), User::new(SECRET, profile))
}

/// Every way for a check to end without a verdict. The texts of errors, codes and fields are anything.
fn no_verdict<V: std::fmt::Debug + 'static>() -> impl Strategy<Value = Outcome<V>> {
    let code =
        prop_oneof![Just(""), Just("40001"), Just("40101"), Just("49102"), Just("20000"), Just("200"), Just("x")];
    let field = prop_oneof![Just(""), Just("101"), Just("112")];
    (0..6_u8, "\\PC{1,40}", code, field, any::<u64>()).prop_map(|(kind, text, code, field, millis)| match kind {
        0 => Rejection::malformed(text).with_code(code).with_field(field).into(),
        1 => Rejection::too_large(millis as usize).with_code(code).into(),
        2 => Rejection::unknown_caller().with_code(code).into(),
        3 => Failure::from_error(format!("{SECRET} {text}")).into(),
        _ => Failure::throttled(Duration::from_millis(millis)).into(),
    })
}

proptest! {
    #[test]
    fn every_outcome_is_answered_with_an_envelope(
        ticket in no_verdict::<TicketVerdict>(),
        token in no_verdict::<TokenVerdict>(),
        refresh in no_verdict::<TokenVerdict>(),
        access in no_verdict::<AccessVerdict>(),
        mirrored in any::<bool>(),
    ) {
        assert_answer(&AuthTicket::new().mirror_status(mirrored), ticket, mirrored);
        assert_answer(&AccessToken::new().mirror_status(mirrored), token, mirrored);
        assert_answer(&AccessTokenRefresh::new().mirror_status(mirrored), refresh, mirrored);
        assert_answer(&Connect::new().mirror_status(mirrored), access, mirrored);
    }

    #[test]
    fn every_request_is_answered_with_an_envelope(request in garbage(), mirrored in any::<bool>()) {
        for verdict in [TicketVerdict::UnknownKey, TicketVerdict::Refused] {
            assert_denied(AuthTicket::new().mirror_status(mirrored), verdict, &request, mirrored);
        }
        for verdict in [TokenVerdict::Invalid, TokenVerdict::Expired, TokenVerdict::UnknownKey] {
            assert_denied(AccessToken::new().mirror_status(mirrored), verdict.clone(), &request, mirrored);
            assert_denied(AccessTokenRefresh::new().mirror_status(mirrored), verdict, &request, mirrored);
        }
        let request = request.with_method(Method::GET);
        for verdict in [AccessVerdict::Invalid, AccessVerdict::Expired] {
            assert_denied(Connect::new().mirror_status(mirrored), verdict, &request, mirrored);
        }
    }
}

#[test]
fn every_verdict_is_answered_with_an_envelope() {
    for mirrored in [false, true] {
        let endpoint = AuthTicket::new().mirror_status(mirrored);
        let ticket = TicketVerdict::Issued(Ticket::new("6", SECRET));
        for verdict in [ticket, TicketVerdict::UnknownKey, TicketVerdict::Refused] {
            assert_answer(&endpoint, Outcome::Verdict(verdict), mirrored);
        }
        let issued = TokenVerdict::Issued(Box::new(tokens()));
        for verdict in [issued, TokenVerdict::Invalid, TokenVerdict::Expired, TokenVerdict::UnknownKey] {
            assert_answer(&AccessToken::new().mirror_status(mirrored), Outcome::Verdict(verdict.clone()), mirrored);
            assert_answer(&AccessTokenRefresh::new().mirror_status(mirrored), Outcome::Verdict(verdict), mirrored);
        }
        for verdict in [AccessVerdict::Valid, AccessVerdict::Invalid, AccessVerdict::Expired] {
            assert_answer(&Connect::new().mirror_status(mirrored), Outcome::Verdict(verdict), mirrored);
        }
    }
}
