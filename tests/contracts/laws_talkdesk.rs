//! Talkdesk's validator under the laws of every endpoint, and the law for its guard: only a verified call gets through,
//! and it arrives unchanged.

use std::{collections::HashSet, fmt, marker::PhantomData, time::Duration};

use bytes::Bytes;
use futures::future::pending;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::Body;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_verify::{
    BoxError, CallerSecret, Credential, Failure, GuardLayer,
    layer::GuardedBody,
    talkdesk::{Auth, AuthVerdict, Call, CallVerdict, Credentials, Fields, LaterCalls, Parameters, Validator},
    verifier_fn,
};

use crate::{
    laws::{self, Subject, changed},
    talkdesk::Login,
};

/// One of the two ways to decode `auth`, with its own definition of a fit object.
pub(crate) trait Decoded: Fields + Credential<Verdict = AuthVerdict> {
    fn validator() -> Validator<Self>;

    fn is_fit(members: &[(String, Value)]) -> bool;
}

impl Decoded for Credentials {
    fn validator() -> Validator {
        Validator::new()
    }

    fn is_fit(_: &[(String, Value)]) -> bool {
        true
    }
}

impl Decoded for Auth<Login> {
    fn validator() -> Validator<Self> {
        Validator::typed()
    }

    fn is_fit(members: &[(String, Value)]) -> bool {
        let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let login_id = member("login_id").is_none_or(|id| id.as_u64().is_some_and(|id| id <= u32::MAX.into()));
        ["username", "password"].iter().all(|name| member(name).is_some_and(Value::is_string))
            && login_id
            && member("sandbox").is_none_or(Value::is_boolean)
    }
}

/// Whether a body has exactly one `auth`: an object of plain values without a repeated name, fit for `A`.
fn is_fit<A: Decoded>(body: &[u8]) -> bool {
    let Ok(Members(body)) = serde_json::from_slice(body) else { return false };
    let auths: Vec<_> = body.into_iter().filter(|(name, _)| name == "auth").collect();
    let [(_, Member::Object(members))] = &auths[..] else { return false };
    let names: HashSet<_> = members.iter().map(|(name, _)| name).collect();
    let plain = |(_, value): &(String, Value)| value.is_string() || value.is_boolean() || value.is_i64();
    names.len() == members.len() && members.iter().all(plain) && A::is_fit(members)
}

/// All members of an object in their order. `serde_json::Value` would keep only the last one of each name.
struct Members<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Written<V> {
            type Value = Members<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<V>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Written(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(from = "Written")]
enum Member {
    Object(Vec<(String, Value)>),
    Other,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Object(Members<Value>),
    Other(#[allow(dead_code, reason = "the value is only decoded")] Value),
}

impl From<Written> for Member {
    fn from(written: Written) -> Self {
        match written {
            Written::Object(Members(members)) => Self::Object(members),
            Written::Other(_) => Self::Other,
        }
    }
}

/// Generates bodies: fit ones, nearly fit ones, noise.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let text = || any::<String>().prop_map(|text| Value::from(text).to_string());
    let value = || {
        prop_oneof![
            6 => text(),
            2 => any::<i64>().prop_map(|integer| integer.to_string()),
            2 => any::<bool>().prop_map(|boolean| boolean.to_string()),
            1 => select(&["null", "1.5", "1e3", "-0", "9223372036854775808", "[]", "{}", "[\"a\"]", "\"\\u0041\""][..])
                .prop_map(str::to_owned),
        ]
    };
    let name = prop_oneof![
        4 => select(&["login_id", "sandbox", "token", "pass\\u0077ord", "username", ""][..]).prop_map(str::to_owned),
        2 => any::<String>().prop_map(|name| Value::from(name).to_string().trim_matches('"').to_owned()),
    ];
    let member = |name| text().prop_map(move |text| format!("\"{name}\":{text}"));
    let login = [member("username"), member("password")];
    let others = vec((name, value()).prop_map(|(name, value)| format!("\"{name}\":{value}")), 0..4);
    let auth = (login, prop::bool::weighted(0.8), others)
        .prop_map(|(login, complete, others)| if complete { [login.to_vec(), others].concat() } else { others })
        .prop_shuffle()
        .prop_map(|members| format!("\"auth\":{{{}}}", members.join(",")));
    let beside = select(
        &["\"meta\":{\"offset\":null}", "\"data\":[{\"auth\":{}}]", "\"meta\":1", "\"a\\u0075th\":{}", "\"auth\":null"]
            [..],
    );
    let object = (auth, vec(beside.prop_map(str::to_owned), 0..2))
        .prop_map(|(auth, beside)| [vec![auth], beside].concat())
        .prop_shuffle()
        .prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes());
    let changed = changed(object.clone());
    prop_oneof![3 => object, 1 => changed, 1 => vec(any::<u8>(), 0..64)]
}

/// The validator with each combination of its options.
pub(crate) fn validators<A: Decoded>() -> Vec<ValidatorSubject<A>> {
    let with = |legacy, status| ValidatorSubject { legacy, no_verdict: status, auth: PhantomData };
    [401, 503].into_iter().flat_map(|status| [with(false, status), with(true, status)]).collect()
}

pub(crate) struct ValidatorSubject<A> {
    legacy: bool,
    no_verdict: u16,
    auth: PhantomData<fn() -> A>,
}

impl<A> Clone for ValidatorSubject<A> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<A> fmt::Debug for ValidatorSubject<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidatorSubject {{ legacy: {}, no_verdict: {} }}", self.legacy, self.no_verdict)
    }
}

impl<A: Decoded> Subject for ValidatorSubject<A> {
    type Endpoint = Validator<A>;

    fn endpoint(&self) -> Validator<A> {
        let status = StatusCode::from_u16(self.no_verdict).unwrap();
        A::validator().legacy_no_content(self.legacy).no_verdict_status(status).unwrap()
    }

    fn verdicts(&self) -> Vec<AuthVerdict> {
        let parameters = Parameters::new().with("login_id", 12).with("\",\"x", "123456789").with("on", false);
        vec![AuthVerdict::Granted(parameters), AuthVerdict::Granted(Parameters::new()), AuthVerdict::Denied]
    }

    fn fit_request(&self) -> Request<Bytes> {
        post(r#"{"auth":{"username":"john@example.com","password":"605b32dd"}}"#.into())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        bodies().prop_map(post).boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        is_fit::<A>(request.body())
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        answer.status().as_u16() < 400
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        let legacy = self.legacy && answer.status() == 204 && answer.body().is_empty() && !is_json(answer);
        legacy || granted(answer) || refused(answer, &[400, 401, 413, self.no_verdict])
    }
}

fn post(body: Vec<u8>) -> Request<Bytes> {
    Request::post("/auth").body(body.into()).unwrap()
}

fn granted(answer: &Response<Bytes>) -> bool {
    let flat =
        |Members(members): Members<Value>| members.iter().all(|(_, value)| !value.is_object() && !value.is_array());
    answer.status() == 200 && is_json(answer) && serde_json::from_slice(answer.body()).is_ok_and(flat)
}

/// Whether an answer is a documented refusal with one of `statuses`.
fn refused(answer: &Response<Bytes>, statuses: &[u16]) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Documented {
        error: String,
        #[serde(rename = "error_description")]
        _description: String,
    }

    let status = answer.status().as_u16();
    let challenge = answer.headers().get("www-authenticate").map(HeaderValue::as_bytes);
    statuses.contains(&status)
        && is_json(answer)
        && challenge == (status == 401).then_some(br#"Talkdesk realm="auth""#)
        && serde_json::from_slice(answer.body()).is_ok_and(|Documented { error, .. }| {
            ["access_denied", "invalid_client", "invalid_request", "server_error", "temporarily_unavailable"]
                .contains(&&*error)
        })
}

fn is_json(answer: &Response<Bytes>) -> bool {
    answer.headers().get("content-type").is_some_and(|content_type| content_type == "application/json")
}

/// What the verifier of a guard does.
#[derive(Debug, Clone, Copy)]
enum Does {
    Verify,
    Deny,
    Fail,
    Throttle,
    Panic,
    Hang,
}

#[derive(Debug, Clone)]
struct GuardCase {
    body: Vec<u8>,
    does: Does,
    no_verdict: u16,
    unknown_caller: bool,
    /// The body limit, as a position in the body. `None` sets no limit.
    limit: Option<Index>,
    chunked: bool,
}

fn guard_cases() -> impl Strategy<Value = GuardCase> {
    use Does::{Deny, Fail, Hang, Panic, Throttle, Verify};

    let hangs = if cfg!(feature = "deadline") { &[Hang][..] } else { &[] };
    let does = prop_oneof![5 => Just(Verify), 5 => select([&[Deny, Fail, Throttle, Panic], hangs].concat())];
    let limit = prop::option::weighted(0.1, any::<Index>());
    (bodies(), does, 400..600_u16, prop::bool::weighted(0.1), limit, any::<bool>()).prop_map(
        |(body, does, no_verdict, unknown_caller, limit, chunked)| GuardCase {
            body,
            does,
            no_verdict,
            unknown_caller,
            limit,
            chunked,
        },
    )
}

#[derive(Clone)]
struct Principal;

/// Sends a case through a guard, and returns whether it got through.
fn guard_law<A: Decoded>(case: GuardCase) -> bool {
    let does = case.does;
    let verifier = verifier_fn(move |_: Request<Call<Principal, A>>| async move {
        match does {
            Does::Verify => Ok(CallVerdict::Verified(Principal)),
            Does::Deny => Ok(CallVerdict::Denied),
            Does::Fail => Err(BoxError::from("605b32dd")),
            Does::Throttle => Err(Failure::throttled(Duration::MAX).into()),
            Does::Panic => panic!("605b32dd"),
            Does::Hang => pending().await,
        }
    });
    let contract = LaterCalls::new().no_verdict_status(StatusCode::from_u16(case.no_verdict).unwrap()).unwrap();
    let mut guard = GuardLayer::new(contract, verifier);
    if case.unknown_caller {
        guard = guard.caller_secret(CallerSecret::new("caller".parse().unwrap(), ["605b32dd"]).unwrap());
    }
    let limited = case.limit.filter(|_| !case.body.is_empty());
    if let Some(limit) = limited {
        guard = guard.body_limit(limit.index(case.body.len()));
    }
    let app = service_fn(|call: Request<GuardedBody<BoxBody<Bytes, std::io::Error>>>| async move {
        assert!(call.extensions().get::<Principal>().is_some());
        let size = call.body().size_hint().exact();
        let body = call.into_body().collect().await?.to_bytes();
        assert_eq!(size, Some(body.len() as u64));
        Ok::<_, std::io::Error>(Response::builder().status(201).body(Full::new(body)).unwrap())
    });
    let body = Bytes::from(case.body.clone());
    let body = if case.chunked {
        StreamBody::new(laws::frames(body)).boxed()
    } else {
        Full::new(body).map_err(|never| match never {}).boxed()
    };
    let answer = laws::on_paused_time(async {
        let answer = guard.layer(app).oneshot(Request::post("/contacts").body(body).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    });
    let good = is_fit::<A>(&case.body) && matches!(does, Does::Verify) && !case.unknown_caller && limited.is_none();
    if good {
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (201, &case.body[..]), "{case:?}");
    } else {
        assert!(refused(&answer, &[401, 413, case.no_verdict]), "{case:?}: {answer:?}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert!(!String::from_utf8_lossy(answer.body()).contains("605b"), "{answer:?}");
    }
    good
}

fn guard_laws<A: Decoded>() {
    let seen = std::cell::Cell::new([false, false]);
    laws::check(guard_cases(), |case| {
        let through = guard_law::<A>(case);
        seen.set([seen.get()[0] || through, seen.get()[1] || !through]);
    });
    assert_eq!(seen.get(), [true, true], "some cases must get through, and some must not");
}

#[test]
fn only_a_verified_call_gets_through_a_guard() {
    guard_laws::<Credentials>();
}

#[test]
fn only_a_verified_call_gets_through_a_typed_guard() {
    guard_laws::<Auth<Login>>();
}
