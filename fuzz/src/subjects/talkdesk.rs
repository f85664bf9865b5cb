use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use http_body::Body;
use serde::Deserialize;
use serde_json::{Map, Value};
use tower_verify::{
    BoxError, Secret, Verifier,
    talkdesk::{Auth, AuthVerdict, Call, CallVerdict, Credentials, FieldValue, LaterCalls, Parameters, Validator},
};

use super::{endpoint, guard};
use crate::{
    reference::{self, Json},
    subject::{Fields, Reached, Settings, Subject, call_endpoint, call_guard},
};

/// A type for typed credentials, with each way that serde reads a field.
#[derive(Debug, Clone, Deserialize)]
pub struct Login {
    username: String,
    password: Secret,
    login_id: Option<i64>,
    small: Option<u8>,
    rate: Option<f64>,
    #[serde(default)]
    active: bool,
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Admin,
    Agent,
}

impl Login {
    fn fields(&self) -> Fields {
        let Self { username, password, login_id, small, rate, active, kind } = self;
        let text =
            format!("{username:?} {:?} {login_id:?} {small:?} {rate:?} {active} {kind:?}", password.expose_secret());
        vec![Some(text)]
    }
}

fn fields(credentials: &Credentials) -> Fields {
    let value = |value: &FieldValue| match value {
        FieldValue::Text(text) => format!("{:?}", text.expose_secret()),
        FieldValue::Integer(integer) => integer.to_string(),
        FieldValue::Boolean(boolean) => boolean.to_string(),
        other => panic!("{other:?} is new"),
    };
    let fields: Fields = credentials.iter().map(|(name, field)| Some(format!("{name:?}: {}", value(field)))).collect();
    for (name, _) in credentials.iter() {
        assert!(credentials.get(name).is_some(), "{name:?} is listed and not found");
    }
    sorted(fields)
}

/// The crate and serde_json have different orders.
fn sorted(mut fields: Fields) -> Fields {
    fields.sort();
    fields
}

/// The fields of `auth`.
fn expected(body: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut members = reference::all_members::<Json>(body, |name| name == "auth")?;
    let (Some((_, Json::Object(auth))), []) = (members.pop(), &members[..]) else { return None };
    let mut fields: Vec<(String, Value)> = Vec::new();
    for (name, value) in auth {
        let Json::Other(value) = value else { return None };
        let allowed = match &value {
            Value::String(_) | Value::Bool(_) => true,
            Value::Number(number) => number.is_i64(),
            _ => false,
        };
        if !allowed || fields.iter().any(|(other, _)| *other == name) {
            return None;
        }
        fields.push((name, value));
    }
    Some(fields)
}

fn expected_fields(body: &[u8]) -> Option<Fields> {
    let value = |value: &Value| match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    Some(sorted(expected(body)?.iter().map(|(name, field)| Some(format!("{name:?}: {}", value(field)))).collect()))
}

fn expected_login(body: &[u8]) -> Option<Fields> {
    let auth: Map<String, Value> = expected(body)?.into_iter().collect();
    serde_json::from_value::<Login>(Value::Object(auth)).ok().map(|login| login.fields())
}

fn assert_talkdesk(answer: &Response<Bytes>) {
    let said: Value = serde_json::from_slice(answer.body()).expect("every answer is JSON");
    match answer.status().as_u16() {
        200 => assert!(said.as_object().is_some_and(|said| said.values().all(|value| !value.is_object()))),
        400 | 413 => assert_eq!(said["error"], "invalid_request"),
        401 => assert!(answer.headers().contains_key("www-authenticate")),
        503 => assert!(said["error"].is_string()),
        status => panic!("{status} is not documented"),
    }
}

macro_rules! validator {
    ($auth:ty, $new:expr, $fields:expr, $expected:expr) => {
        impl Subject for Validator<$auth> {
            const METHOD: Method = Method::POST;
            const PATH: &'static str = "/auth";

            endpoint!($new);

            fn fields(asked: &$auth) -> Fields {
                $fields(asked)
            }

            fn expected(_: &Parts, body: &[u8]) -> Option<Fields> {
                $expected(body)
            }

            fn positive() -> AuthVerdict {
                AuthVerdict::Granted(Parameters::new().with("login_id", 12).with("token", "1\"2\n").with("ok", true))
            }

            fn negative(_: u8) -> AuthVerdict {
                AuthVerdict::Denied
            }

            fn is_admitted(answer: &Response<Bytes>) -> bool {
                answer.status().is_success()
            }

            fn assert_well_formed(answer: &Response<Bytes>) {
                assert_talkdesk(answer);
            }
        }
    };
}

validator!(Credentials, Validator::new(), fields, expected_fields);
validator!(Auth<Login>, Validator::typed(), |asked: &Auth<Login>| asked.0.fields(), expected_login);

macro_rules! later_calls {
    ($auth:ty, $fields:expr, $expected:expr) => {
        impl Subject for LaterCalls<u32, $auth> {
            const METHOD: Method = Method::POST;
            const PATH: &'static str = "/contacts";

            guard!(Self::new());

            fn fields(asked: &Call<u32, $auth>) -> Fields {
                $fields(&asked.auth)
            }

            fn expected(_: &Parts, body: &[u8]) -> Option<Fields> {
                $expected(body)
            }

            fn positive() -> CallVerdict<u32> {
                CallVerdict::Verified(PRINCIPAL)
            }

            fn negative(_: u8) -> CallVerdict<u32> {
                CallVerdict::Denied
            }

            fn is_admitted(answer: &Response<Bytes>) -> bool {
                answer.extensions().get::<Reached>().is_some()
            }

            fn assert_well_formed(answer: &Response<Bytes>) {
                match answer.extensions().get::<Reached>() {
                    Some(reached) => assert_eq!(reached.head.extensions.get(), Some(&PRINCIPAL)),
                    None => assert_talkdesk(answer),
                }
            }
        }
    };
}

/// The principal of a later call.
const PRINCIPAL: u32 = 12;

later_calls!(Credentials, fields, expected_fields);
later_calls!(Auth<Login>, |asked: &Auth<Login>| asked.0.fields(), expected_login);
