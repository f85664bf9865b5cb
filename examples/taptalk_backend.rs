//! An app's backend that asks TapTalk for tickets on behalf of its logged-in users.
//!
//! TapTalk's SDK in the app needs a ticket before it can chat. The app asks this backend for one, with the session that it
//! has from its login. The backend knows by the session who is asking, asks TapTalk under its server key, which the app
//! must never see, and hands the ticket on.
//!
//! ```console
//! $ cargo run --example taptalk_backend --features https-client
//! $ curl -d '{"userPlatform": "ios", "userDeviceID": "7"}' http://127.0.0.1:3000/taptalk/auth_ticket
//! {"error":"invalid_token","error_description":"it is not known who is asking"}
//! $ curl -d '{"username": "ada", "password": "wrong"}' http://127.0.0.1:3000/login
//! the user or the password is wrong
//! $ SESSION=$(curl -d '{"username": "ada", "password": "605b32dd"}' http://127.0.0.1:3000/login | cut -d'"' -f4)
//! $ curl -H "Authorization: Bearer $SESSION" -d '{"userPlatform": "ios", "userDeviceID": "7"}' http://127.0.0.1:3000/taptalk/auth_ticket
//! {"userID":"…","ticket":"…"}
//! ```
//!
//! `LISTEN` is the address, `127.0.0.1:3000` by default. `TAPTALK_BASE` is the ticket server, for TapTalk's own
//! `https://engine.taptalk.io/api`, and `TAPTALK_KEY_ID` and `TAPTALK_KEY_SECRET` are the server key for it. Without
//! `TAPTALK_BASE` a stand-in within this process gives the tickets.

#[path = "support/ticket_server.rs"]
mod ticket_server;

use std::{env, net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::Response,
    routing::post,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, PeerAddr, Secret, Verifier, VerifyLayer,
    store::{MemoryStore, SharedStore, Store},
    taptalk::{ApiKey, AppCaller, AppTicketEndpoint, AppTicketIssuer, Client, HttpsClient, Profile},
};

const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// The app's own sessions: each is a random bearer token, and the store says whose it is.
#[derive(Clone)]
struct Sessions(SharedStore);

impl Sessions {
    async fn begin(&self, username: String) -> Result<String, BoxError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let session = BASE64_URL_SAFE_NO_PAD.encode(random);
        self.0.put(&format!("session:{session}"), Bytes::from(username), SESSION_LIFETIME).await?;
        Ok(session)
    }
}

/// Says who is asking for a ticket. TapTalk saves the profile as its user.
impl Verifier<AppCaller> for Sessions {
    async fn verify(&self, request: Request<AppCaller>) -> Result<Option<Profile>, BoxError> {
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(session) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else { return Ok(None) };
        let Some(username) = self.0.get(&format!("session:{session}")).await? else { return Ok(None) };
        Ok(Some(Profile::new(String::from_utf8(username.into())?, "Ada Lovelace")))
    }
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: Secret,
}

/// The login is the app's own. Here there is one user.
async fn login(State(sessions): State<Sessions>, body: Bytes) -> Result<Json<Value>, (StatusCode, &'static str)> {
    let login: Login = serde_json::from_slice(&body).map_err(|_| (StatusCode::BAD_REQUEST, "this is no login"))?;
    if login.username != "ada" || login.password != "605b32dd" {
        return Err((StatusCode::UNAUTHORIZED, "the user or the password is wrong"));
    }
    let session = sessions.begin(login.username).await;
    let session = session.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "no session can be begun"))?;
    Ok(Json(json!({"session": session})))
}

/// Tells the endpoint whose connection it is: TapTalk wants the address of the user's device.
async fn peer_addr(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(PeerAddr(address));
    next.run(request).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (key, base) = match env::var("TAPTALK_BASE") {
        Ok(base) => (ApiKey::new(env::var("TAPTALK_KEY_ID")?, env::var("TAPTALK_KEY_SECRET")?), base),
        Err(_) => {
            let key = ApiKey::new("demo-server", "demo-secret");
            (key.clone(), ticket_server::start(key).await?)
        }
    };
    let client = Client::new(HttpsClient::new()?, key)?.base_url(&base)?;
    let sessions = Sessions(SharedStore::new(MemoryStore::new()));
    let tickets = VerifyLayer::new(AppTicketEndpoint::new(), AppTicketIssuer::new(sessions.clone(), client));
    let app = Router::new()
        .route("/login", post(login))
        .with_state(sessions)
        .layer(tickets)
        .layer(middleware::from_fn(peer_addr));

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
