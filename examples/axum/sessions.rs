//! The app's own login: a user name and a password are exchanged for a session, which is a bearer token.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use http::{HeaderMap, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::{
    BoxError, ConfigError, Secret,
    store::{SharedStore, Store},
    token::{KeyRing, Signer, TokenId},
};

use crate::talkdesk;

const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// The sessions of the users who are logged in.
#[derive(Clone)]
pub(crate) struct Sessions {
    signer: Signer,
    store: SharedStore,
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: Secret,
}

impl Sessions {
    pub(crate) fn new(store: SharedStore, keys: KeyRing) -> Result<Self, ConfigError> {
        Ok(Self { signer: Signer::new("sess", "session of the app", "demo", keys)?, store })
    }

    /// `POST /login`.
    pub(crate) fn login(self) -> Router {
        Router::new().route("/login", post(login)).with_state(self)
    }

    async fn begin(&self, username: String) -> Result<Secret, BoxError> {
        let issued = self.signer.issue(&[], LIFETIME)?;
        self.store.put(&key(issued.id), Bytes::from(username), LIFETIME).await?;
        Ok(issued.token)
    }

    /// The user whose session is in these headers.
    pub(crate) async fn user(&self, headers: &HeaderMap) -> Result<Option<String>, BoxError> {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else { return Ok(None) };
        let Ok(checked) = self.signer.check(token, &[]) else { return Ok(None) };
        let username = self.store.get(&key(checked.id)).await?;
        Ok(username.map(|username| String::from_utf8_lossy(&username).into_owned()))
    }
}

fn key(id: TokenId) -> String {
    format!("session:{id}")
}

async fn login(State(sessions): State<Sessions>, body: Bytes) -> Result<Json<Value>, StatusCode> {
    let login: Login = crate::json(&body)?;
    if !talkdesk::is_demo_user(&login.username, &login.password) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    match sessions.begin(login.username).await {
        Ok(session) => Ok(Json(json!({"session": session.expose_secret()}))),
        Err(error) => {
            eprintln!("no session: {error}");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
