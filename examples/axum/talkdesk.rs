//! Talkdesk: the check of an activation, and the guard in front of the later calls.

use axum::{Extension, Json, Router, routing::post};
use http::{Method, Request};
use serde_json::{Value, json};
use tower_verify::{
    BoxError, GuardLayer, Secret, Verifier,
    openapi::OpenApi,
    talkdesk::{AuthVerdict, Call, CallVerdict, Credentials, LaterCalls, Parameters},
};

use crate::{observing::Observers, outage::Outage, throttle::Throttles};

/// The one account of the demo.
#[derive(Clone)]
pub(crate) struct Bridge;

const USERNAME: &str = "demo@example.com";
const PASSWORD: Secret = Secret::from_static("605b32dd");
const LOGIN_ID: i64 = 12;
const TOKEN: Secret = Secret::from_static("123456789");

/// The account that a later call is for. The app's routes find it in the request.
#[derive(Clone)]
struct Account {
    username: &'static str,
}

/// Whether these are the demo user's name and password.
pub(crate) fn is_demo_user(username: &str, password: &Secret) -> bool {
    username == USERNAME && *password == PASSWORD
}

impl Verifier<Credentials> for Bridge {
    async fn verify(&self, request: Request<Credentials>) -> Result<AuthVerdict, BoxError> {
        let auth = request.body();
        Ok(match (auth.text("username"), auth.text("password")) {
            (Some(username), Some(password)) if is_demo_user(username.expose_secret(), password) => {
                AuthVerdict::Granted(Parameters::new().with("login_id", LOGIN_ID).with("token", TOKEN))
            }
            _ => AuthVerdict::Denied,
        })
    }
}

impl Verifier<Call<Account>> for Bridge {
    async fn verify(&self, request: Request<Call<Account>>) -> Result<CallVerdict<Account>, BoxError> {
        let auth = &request.body().auth;
        Ok(match (auth.integer("login_id"), auth.text("token")) {
            (Some(LOGIN_ID), Some(token)) if *token == TOKEN => CallVerdict::Verified(Account { username: USERNAME }),
            _ => CallVerdict::Denied,
        })
    }
}

/// The principal of an activation: what failures are counted by.
pub(crate) fn username(auth: &Credentials) -> Option<String> {
    Some(format!("talkdesk:{}", auth.text("username")?.expose_secret()))
}

/// The principal of a later call: what failures are counted by.
fn login(call: &Call<Account>) -> Option<String> {
    Some(format!("talkdesk login:{}", call.auth.integer("login_id")?))
}

/// The app's routes for Talkdesk's later calls, behind the guard, and the document with them.
pub(crate) fn later_calls(
    throttles: &Throttles,
    observers: Observers,
    document: OpenApi,
) -> Result<(Router, OpenApi), BoxError> {
    let bridge = Outage::new(Bridge, |call: &Call<Account>| username(&call.auth));
    let guard = GuardLayer::new(LaterCalls::new(), throttles.random(bridge, login)?);
    let guard = guard.observer(observers).principal(throttles.pseudonym(login));
    let schema = json!({"type": "object", "required": ["agents"], "properties": {"agents": {"type": "array"}}});
    let answer = json!({"description": "The agents.", "content": {"application/json": {"schema": schema}}});
    let operation = json!({"summary": "Which agents are there?", "responses": {"200": answer}});
    let document = document.guarded(&guard, Method::POST, "/agent_sync", operation)?;
    Ok((Router::new().route("/agent_sync", post(agent_sync)).layer(guard), document))
}

async fn agent_sync(Extension(account): Extension<Account>) -> Json<Value> {
    Json(json!({"agents": [{"id": "1", "name": "Demo Agent", "email": account.username}]}))
}
