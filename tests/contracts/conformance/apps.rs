//! The conforming servers: this crate's endpoints, with verifiers that know one good credential and one that they fail on.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use tower_verify::{
    BoxError, CallerSecret, Credential, Endpoints, GuardLayer, Verifier, VerifyLayer,
    conformance::Suite,
    diyalog::{
        AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict,
        conformance::{AgentCalls, CustomerCalls},
    },
    layer::GuardedBody,
    policy::Throttle,
    store::MemoryStore,
    talkdesk::{
        AuthVerdict, Call, CallVerdict, Credentials, LaterCalls, Parameters, Validator,
        conformance::{GuardedCalls, ValidatorCalls},
    },
    verifier_fn,
};

pub(crate) type App = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;

const AUTH_TOKEN: &str = "current-9c1d";

/// Both of Diyalog's checks, inside an app that answers every other request with 404.
pub(crate) fn diyalog(customer: CustomerEndpoint) -> App {
    let secret = || CallerSecret::new("auth-token".parse().unwrap(), ["next-5f0b", AUTH_TOKEN]).unwrap();
    let customers = verifier_fn(|request: Request<CustomerToken>| async move {
        let CustomerToken { device_id, dlg_token, customer_no, .. } = request.into_body();
        if customer_no == "outage" {
            return Err(BoxError::from("the database of dlg-2121saSasrwsdss is away"));
        }
        Ok(match (dlg_token.expose_secret(), customer_no == "1234567", device_id == "1234") {
            ("dlg-2121saSasrwsdss", true, true) => CustomerVerdict::Validated,
            ("dlg-2121saSasrwsdss", true, false) => CustomerVerdict::InvalidDeviceId,
            ("dlg-expired", true, true) => CustomerVerdict::ExpiredToken,
            _ => CustomerVerdict::InvalidToken,
        })
    });
    let agents = verifier_fn(|request: Request<AgentToken>| async move {
        let AgentToken { session_id, token, user_no, .. } = request.into_body();
        if user_no == "outage" {
            return Err(BoxError::from("the database of b1f0-Token is away"));
        }
        Ok(match (token.expose_secret(), session_id == "s-7", user_no == "45 186") {
            ("b1f0-Token", true, true) => AgentVerdict::validated(user_no),
            ("b1f0-expired", true, true) => AgentVerdict::ExpiredToken,
            ("b1f0-Token", false, true) => AgentVerdict::InvalidSessionId,
            _ => AgentVerdict::InvalidToken,
        })
    });
    let endpoints = Endpoints::new()
        .with(VerifyLayer::new(customer, customers).caller_secret(secret()))
        .unwrap()
        .with(VerifyLayer::new(AgentEndpoint::new(), agents).caller_secret(secret()))
        .unwrap();
    BoxCloneSyncService::new(endpoints.layer(service_fn(not_found)))
}

pub(crate) fn customer_calls() -> CustomerCalls {
    CustomerCalls::new("1234", "dlg-2121saSasrwsdss", "1234567")
        .expired_token("dlg-expired")
        .failing("1234", "dlg-2121saSasrwsdss", "outage")
        .caller_secret(AUTH_TOKEN)
        .body_limit(16 * 1024)
}

pub(crate) fn agent_calls() -> Suite {
    AgentCalls::new("s-7", "b1f0-Token", "45 186")
        .expired_token("b1f0-expired")
        .failing("s-7", "b1f0-Token", "outage")
        .caller_secret(AUTH_TOKEN)
        .suite()
}

/// Talkdesk's validator, inside an app that answers every other request with 404.
pub(crate) fn talkdesk(validator: Validator) -> App {
    let verifier = verifier_fn(|request: Request<Credentials>| async move {
        let auth = request.body();
        let text = |name| auth.text(name).map_or("", |text| text.expose_secret());
        Ok(match (text("username"), text("password")) {
            ("outage@example.com", _) => return Err(BoxError::from("the database of 605b-32ddX is away")),
            ("john@example.com", "605b-32ddX") if auth.len() == 2 || auth.text("x").is_some() => {
                AuthVerdict::Granted(Parameters::new().with("login_id", 12).with("token", "123456789").with("on", true))
            }
            _ => AuthVerdict::Denied,
        })
    });
    let verifier = throttled(verifier, |auth: &Credentials| Some(auth.text("username")?.expose_secret().to_owned()));
    BoxCloneSyncService::new(VerifyLayer::new(validator, verifier).layer(service_fn(not_found)))
}

pub(crate) fn talkdesk_calls() -> ValidatorCalls {
    ValidatorCalls::new([("username", "john@example.com"), ("password", "605b-32ddX")])
        .failing([("username", "outage@example.com"), ("password", "605b-32ddX")])
        .body_limit(16 * 1024)
}

/// Whose contacts and agents a later call is about.
#[derive(Clone)]
pub(crate) struct Account(i64);

/// The routes of Talkdesk's later calls, behind the guard.
pub(crate) fn talkdesk_later(contract: LaterCalls<Account>) -> App {
    let verifier = verifier_fn(|request: Request<Call<Account>>| async move {
        let auth = &request.body().auth;
        let text = |name| auth.text(name).map_or("", |text| text.expose_secret());
        Ok(match (text("username"), auth.integer("login_id"), auth.boolean("on"), text("token")) {
            ("outage@example.com", ..) => return Err(BoxError::from("the database of 605b-32ddX is away")),
            ("john@example.com", Some(login_id @ 12), Some(true), "605b-32ddX") => {
                CallVerdict::Verified(Account(login_id))
            }
            _ => CallVerdict::Denied,
        })
    });
    let verifier = throttled(verifier, |call: &Call<Account>| Some(call.auth.integer("login_id")?.to_string()));
    let guard = GuardLayer::new(contract, verifier).body_limit(128 * 1024);
    BoxCloneSyncService::new(guard.layer(service_fn(later_call)))
}

async fn later_call(request: Request<GuardedBody<Full<Bytes>>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Account(12) = head.extensions.get().expect("the guard adds the principal") else { panic!("another account") };
    let Ok(body) = body.collect().await;
    let call: Value = serde_json::from_slice(&body.to_bytes()).expect("only JSON comes through");
    let (meta, data) = (&call["meta"], &call["data"]);
    let (status, answer) = match (head.method, head.uri.path()) {
        (Method::POST, "/contacts") if meta["offset"] == "page-2" => {
            (200, json!({"contacts": [{"id": "2", "name": "Joe"}], "synchronization_checkpoint": "2017-05-02"}))
        }
        (Method::POST, "/contacts") if meta["synchronization_checkpoint"] == "2017-05-01" => {
            (200, json!({"contacts": []}))
        }
        (Method::POST, "/contacts") => {
            let contacts = json!([{"id": "1", "name": "Ada", "emails": ["ada@example.com"]}]);
            let (offset, checkpoint) = ("page-2", "2017-05-01");
            (
                200,
                json!({"contacts": contacts, "next_offset": offset, "synchronization_checkpoint": checkpoint, "context": "c-1234"}),
            )
        }
        (Method::POST, "/agents") if meta["offset"].as_i64() == Some(1) => (200, json!({"agents": []})),
        (Method::POST, "/agents") => {
            (200, json!({"agents": [{"id": 341231, "name": "John", "email": "john@example.com"}], "next_offset": 1}))
        }
        (Method::POST, "/activity") if data["contact_external_id"] == "1" => {
            (200, json!([{"id": "1", "subject": "Late", "type": meta["interaction_types"][0]}]))
        }
        (Method::POST, "/activity") => (200, json!([])),
        (Method::POST, "/action") if meta["contact_external_id"] == "1" => (201, json!({"external_id": "7"})),
        (Method::POST, "/action") => (400, json!({"message": "which contact?"})),
        _ => (404, json!({})),
    };
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(answer.to_string().into()).unwrap())
}

pub(crate) fn later_calls() -> GuardedCalls {
    GuardedCalls::new("token", "605b-32ddX")
        .field("username", "john@example.com")
        .field("login_id", 12)
        .field("on", true)
        .failing("username", "outage@example.com")
        .contacts("/contacts")
        .agents("/agents")
        .activity("/activity")
        .action("/action")
        .body_limit(128 * 1024)
}

/// The verifier behind a throttle of ten, which no suite may reach: the good calls after it would fail.
fn throttled<C: Credential>(
    verifier: impl Verifier<C>,
    principal: impl Fn(&C) -> Option<String> + Send + Sync + 'static,
) -> impl Verifier<C> {
    let principal = move |request: &Request<C>| principal(request.body());
    Throttle::new(verifier, MemoryStore::new(), [7; 32], principal).limit(10, Duration::from_secs(900)).unwrap()
}

pub(crate) async fn not_found(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
