//! Diyalog: the app's own logins, which make the tokens that Diyalog asks about.

use axum::{Json, Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::diyalog::{AgentToken, CustomerToken, Tokens};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomerLogin {
    customer_no: String,
    device_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentLogin {
    user_no: String,
}

/// The logins. A real app asks for a password first; the demo leaves that out.
pub(crate) fn logins(tokens: Tokens) -> Router {
    Router::new()
        .route("/login/customer", post(log_customer_in))
        .route("/login/agent", post(log_agent_in))
        .with_state(tokens)
}

async fn log_customer_in(State(tokens): State<Tokens>, body: Bytes) -> Result<Json<Value>, StatusCode> {
    let login: CustomerLogin = crate::json(&body)?;
    if login.customer_no.is_empty() || login.device_id.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let issued = tokens.customer_token(&login.customer_no, &login.device_id).map_err(unavailable)?;
    Ok(Json(json!({"dlgToken": issued.token.expose_secret()})))
}

async fn log_agent_in(State(tokens): State<Tokens>, body: Bytes) -> Result<Json<Value>, StatusCode> {
    let login: AgentLogin = crate::json(&body)?;
    if login.user_no.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let session_id = session_id().map_err(unavailable)?;
    let issued = tokens.agent_token(&login.user_no, &session_id).map_err(unavailable)?;
    Ok(Json(json!({"sessionId": session_id, "token": issued.token.expose_secret()})))
}

fn unavailable(error: impl std::error::Error) -> StatusCode {
    eprintln!("no token: {error}");
    StatusCode::SERVICE_UNAVAILABLE
}

/// 128 random bits, as text.
fn session_id() -> Result<String, getrandom::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The principal of a customer's token.
pub(crate) fn customer(token: &CustomerToken) -> Option<String> {
    Some(format!("diyalog customer:{}", token.customer_no.expose_secret()))
}

/// The principal of an agent's token.
pub(crate) fn agent(token: &AgentToken) -> Option<String> {
    Some(format!("diyalog agent:{}", token.user_no.expose_secret()))
}
