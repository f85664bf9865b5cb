//! Talkdesk's contract: the vectors of the "Authorization Validator", and of the later calls that carry its parameters.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tower::{ServiceBuilder, service_fn};
use tower_verify::{
    Credential, GuardLayer, Secret,
    layer::{GuardedBody, ResponseBody},
    talkdesk::{
        Auth, AuthVerdict, Call, CallVerdict, Credentials, FieldValue, Fields, LaterCalls, Parameters, Validator,
    },
};

use crate::vectors::{self, Asked, Served, Vector};

// Contract: TD-7, TD-8, TD-20, TD-21, TD-22, TD-23.
#[test]
fn every_vector_gets_its_answer() {
    vectors::run("talkdesk.json", 100, serve);
}

fn serve(vector: &Vector) -> Served {
    match &*vector.endpoint {
        "talkdesk_validator" => serve_validator(vector),
        "talkdesk_guard" => serve_guard(vector),
        other => panic!("unknown endpoint {other}"),
    }
}

/// The credentials of the vectors with the option `typed`.
#[derive(Deserialize)]
pub(crate) struct Login {
    username: Secret,
    password: Secret,
    login_id: Option<u32>,
    #[serde(default)]
    sandbox: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ValidatorOptions {
    typed: bool,
    no_verdict_status: Option<u16>,
    legacy_no_content: bool,
}

fn serve_validator(vector: &Vector) -> Served {
    let options: ValidatorOptions = vector.options.own();
    if options.typed {
        let asked = |request: &Request<Auth<Login>>| login(&request.body().0);
        vector.serve(configured(Validator::typed::<Login>(), options), auth_verdict, asked)
    } else {
        let asked = |request: &Request<Credentials>| fields(request.body());
        vector.serve(configured(Validator::new(), options), auth_verdict, asked)
    }
}

fn configured<A>(mut validator: Validator<A>, options: ValidatorOptions) -> Validator<A> {
    if let Some(status) = options.no_verdict_status {
        validator = validator.no_verdict_status(StatusCode::from_u16(status).unwrap()).unwrap();
    }
    validator.legacy_no_content(options.legacy_no_content)
}

/// The caller that a verified call comes from.
#[derive(Clone)]
struct Principal(String);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GuardOptions {
    typed: bool,
    no_verdict_status: Option<u16>,
}

fn serve_guard(vector: &Vector) -> Served {
    let options: GuardOptions = vector.options.own();
    if options.typed {
        guarded(vector, &options, |request: &Request<Call<Principal, Auth<Login>>>| login(&request.body().auth.0))
    } else {
        guarded(vector, &options, |request: &Request<Call<Principal>>| fields(&request.body().auth))
    }
}

fn guarded<A>(vector: &Vector, options: &GuardOptions, asked: fn(&Request<Call<Principal, A>>) -> Value) -> Served
where
    A: Fields,
    Call<Principal, A>: Credential<Verdict = CallVerdict<Principal>>,
{
    let log = Asked::default();
    let mut contract = LaterCalls::new();
    if let Some(status) = options.no_verdict_status {
        contract = contract.no_verdict_status(StatusCode::from_u16(status).unwrap()).unwrap();
    }
    let mut layer = GuardLayer::new(contract, vector.verifier(call_verdict, asked, &log));
    if let Some(limit) = vector.options.body_limit {
        layer = layer.body_limit(limit);
    }
    if let Some(secret) = vector.options.caller_secret() {
        layer = layer.caller_secret(secret);
    }
    // The guarded app answers with what arrived.
    let app = service_fn(|request: Request<GuardedBody<_>>| async move {
        let Principal(principal) = request.extensions().get().cloned().expect("the guard adds the principal");
        let arrived = format!("{} {}", request.method(), request.uri());
        let response = Response::builder().header("app", arrived).header("principal", principal);
        Ok::<_, Infallible>(response.body(ResponseBody::new(request.into_body())).unwrap())
    });
    Served::new(ServiceBuilder::new().layer(layer).service(app), log)
}

fn fields(credentials: &Credentials) -> Value {
    let fields = credentials.iter().map(|(name, value)| {
        let value = match value {
            FieldValue::Text(text) => json!(text.expose_secret()),
            FieldValue::Integer(integer) => json!(integer),
            FieldValue::Boolean(boolean) => json!(boolean),
            other => panic!("unknown kind of field {other:?}"),
        };
        (name.to_owned(), value)
    });
    Value::Object(Map::from_iter(fields))
}

fn login(login: &Login) -> Value {
    json!({
        "username": login.username.expose_secret(),
        "password": login.password.expose_secret(),
        "login_id": login.login_id,
        "sandbox": login.sandbox,
    })
}

/// Reads a verdict: `"denied"`, or `{"granted": [[name, value], ..]}`.
fn auth_verdict(verdict: &Value) -> AuthVerdict {
    if verdict == "denied" {
        return AuthVerdict::Denied;
    }
    let granted: Vec<(String, Value)> = member(verdict, "granted");
    AuthVerdict::Granted(granted.into_iter().fold(Parameters::new(), |parameters, (name, value)| match value {
        Value::String(text) => parameters.with(name, text),
        Value::Bool(boolean) => parameters.with(name, boolean),
        Value::Number(number) => parameters.with(name, number.as_i64().expect("an integer")),
        other => panic!("unknown kind of parameter {other}"),
    }))
}

/// Reads a verdict: `"denied"`, or `{"verified": principal}`.
fn call_verdict(verdict: &Value) -> CallVerdict<Principal> {
    if verdict == "denied" {
        CallVerdict::Denied
    } else {
        CallVerdict::Verified(Principal(member(verdict, "verified")))
    }
}

fn member<T: DeserializeOwned>(verdict: &Value, name: &str) -> T {
    match verdict.as_object() {
        Some(object) if object.len() == 1 && object.contains_key(name) => {
            serde_json::from_value(object[name].clone()).unwrap_or_else(|error| panic!("{verdict}: {error}"))
        }
        _ => panic!("unknown verdict {verdict}"),
    }
}
