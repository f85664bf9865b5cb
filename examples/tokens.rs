//! Tokens for Diyalog after your own login: made, checked, and their key changed while the app runs.
//!
//! Your app logs its user in by a password and makes a token for this customer and this device. The app hands it to
//! Diyalog's SDK, and Diyalog asks `POST /checkauthtoken` whether it is good. Nothing is stored: the token is signed by a
//! key of the ring. `POST /keys/rotate`, for the operator alone, makes a new key. From then on the new key signs; the old
//! one verifies until the last token that it signed has expired.
//!
//! ```console
//! $ cargo run --example tokens
//! $ curl -d '{"customerNo": "1234567", "password": "wrong", "deviceId": "d1"}' http://127.0.0.1:3000/login
//! the customer or the password is wrong
//! $ TOKEN=$(curl -d '{"customerNo": "1234567", "password": "605b32dd", "deviceId": "d1"}' http://127.0.0.1:3000/login | cut -d'"' -f4)
//! $ curl -d '{"deviceId": "d1", "dlgToken": "'$TOKEN'", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! Validated
//! $ curl -d '{"deviceId": "d2", "dlgToken": "'$TOKEN'", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! InvalidDeviceId
//! $ curl -X POST -H 'Authorization: Bearer operator' http://127.0.0.1:3000/keys/rotate
//! {"keys":2}
//! $ curl -d '{"deviceId": "d1", "dlgToken": "'$TOKEN'", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! Validated
//! $ curl -X POST -H 'Authorization: Bearer wrong' http://127.0.0.1:3000/keys/rotate
//! only the operator may do this
//! ```
//!
//! `LISTEN` is the address, `127.0.0.1:3000` by default. Several nodes share the ring: they read it from `TOKEN_KEYS`, and
//! each must know a new key before one of them signs with it, as the documentation of `KeyRing` shows.

use std::{
    env,
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::post,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, Secret, VerifyLayer,
    diyalog::{CustomerEndpoint, Tokens},
    token::{Key, KeyRing},
};

const LIFETIME: Duration = Duration::from_secs(300);

#[derive(Clone)]
struct App {
    tokens: Tokens,
    ring: KeyRing,
}

type Answer = Result<Json<Value>, (StatusCode, &'static str)>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    customer_no: String,
    password: Secret,
    device_id: String,
}

/// The login is the app's own. Here there is one customer.
async fn login(State(app): State<App>, body: Bytes) -> Answer {
    let login: Login = serde_json::from_slice(&body).map_err(|_| (StatusCode::BAD_REQUEST, "this is no login"))?;
    if login.customer_no != "1234567" || login.password != "605b32dd" {
        return Err((StatusCode::UNAUTHORIZED, "the customer or the password is wrong"));
    }
    let issued = app.tokens.customer_token(&login.customer_no, &login.device_id);
    let issued = issued.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "no token can be made"))?;
    Ok(Json(json!({"dlgToken": issued.token.expose_secret()})))
}

/// Checks and logins go on meanwhile; the next token is signed by the new key.
async fn rotate(State(app): State<App>, headers: HeaderMap) -> Answer {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if Secret::from_static("Bearer operator") != *bearer {
        return Err((StatusCode::UNAUTHORIZED, "only the operator may do this"));
    }
    let new = Key::generate().and_then(|key| app.ring.sign_with(key, SystemTime::now() + LIFETIME));
    new.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "no key can be made"))?;
    Ok(Json(json!({"keys": app.ring.ages().len()})))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let ring = KeyRing::generate()?;
    let tokens = Tokens::new("example.com", ring.clone())?.ttl(LIFETIME)?;
    let check = VerifyLayer::new(CustomerEndpoint::new(), tokens.clone());
    let app = App { tokens, ring };
    let app =
        Router::new().route("/login", post(login)).route("/keys/rotate", post(rotate)).with_state(app).layer(check);

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
