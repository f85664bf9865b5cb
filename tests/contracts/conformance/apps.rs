//! The conforming servers: this crate's endpoints, with verifiers that know one good credential and one that they fail on.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use tower_verify::{
    BoxError, CallerSecret, Endpoints, VerifyLayer,
    conformance::Suite,
    diyalog::{
        AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict,
        conformance::{AgentCalls, CustomerCalls},
    },
    talkdesk::{AuthVerdict, Credentials, Parameters, Validator, conformance::ValidatorCalls},
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
    BoxCloneSyncService::new(VerifyLayer::new(validator, verifier).layer(service_fn(not_found)))
}

pub(crate) fn talkdesk_calls() -> ValidatorCalls {
    ValidatorCalls::new([("username", "john@example.com"), ("password", "605b-32ddX")])
        .failing([("username", "outage@example.com"), ("password", "605b-32ddX")])
        .body_limit(16 * 1024)
}

pub(crate) async fn not_found(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
