//! One axum app with every endpoint of the crate in it, its own routes beside them, and a copy-and-paste tour.
//!
//! `cargo run --example axum` serves on `127.0.0.1:3000`; what can be set is in `settings.rs`.

mod commands;
mod diyalog;
mod sessions;
mod settings;
mod state;
mod talkdesk;
mod taptalk;
mod throttle;

use std::{net::SocketAddr, process::ExitCode};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, Endpoints, PeerAddr, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, CustomerEndpoint, CustomerToken, Tokens},
    talkdesk::{Credentials, Validator},
    taptalk::{
        AccessTokenEndpoint, AppTicketEndpoint, AuthTicketEndpoint, ConnectEndpoint, RefreshEndpoint, TicketRequest,
    },
};

use sessions::Sessions;
use settings::Settings;
use throttle::Throttles;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let settings = Settings::from_env()?;
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error} (LISTEN=127.0.0.1:0 takes a free port)", settings.listen)
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = app(&settings, &url).await?;
    println!("# listening on {url}");
    println!("{}", commands::commands(&url));
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(())
}

async fn app(settings: &Settings, url: &str) -> Result<Router, BoxError> {
    let (store, keys) = (state::store(settings).await?, state::keys(settings)?);
    let throttles = Throttles::new(settings, store.clone())?;
    let sessions = Sessions::new(store.clone(), keys.clone())?;
    let tokens = Tokens::new("demo", keys.clone())?.ttl(settings.token_ttl)?;
    let office = taptalk::office(settings, store, keys)?;
    let issuer = taptalk::issuer(settings.taptalk_base.as_deref().unwrap_or(url), sessions.clone())?;

    let validator = throttles.around(talkdesk::Bridge, "talkdesk", |auth: &Credentials| {
        Some(auth.text("username")?.expose_secret().to_owned())
    })?;
    let customers = throttles.around(tokens.clone(), "diyalog customer", |token: &CustomerToken| {
        Some(token.customer_no.expose_secret().to_owned())
    })?;
    let agents = throttles
        .around(tokens.clone(), "diyalog agent", |token: &AgentToken| Some(token.user_no.expose_secret().to_owned()))?;
    let backends = throttles.around(office.clone(), "taptalk", |request: &TicketRequest| {
        Some(request.server_key.id.expose_secret().to_owned())
    })?;

    let for_pages = Endpoints::new()
        .with(VerifyLayer::new(AccessTokenEndpoint::new(), office.clone()))?
        .with(VerifyLayer::new(RefreshEndpoint::new(), office.clone()))?
        .with(VerifyLayer::new(ConnectEndpoint::new(), office))?
        .with(VerifyLayer::new(AppTicketEndpoint::new(), issuer))?;
    // Outside of CORS: no page has business with these.
    let for_backends = Endpoints::new()
        .with(VerifyLayer::new(Validator::new(), validator))?
        .with(VerifyLayer::new(CustomerEndpoint::new(), customers))?
        .with(VerifyLayer::new(AgentEndpoint::new(), agents))?
        .with(VerifyLayer::new(AuthTicketEndpoint::new(), backends))?;
    Ok(Router::new()
        .route("/", get(|| async { "the app" }))
        .merge(sessions.login())
        .merge(diyalog::logins(tokens))
        .merge(talkdesk::later_calls(&throttles)?)
        .merge(taptalk::project_configs())
        .layer(for_pages)
        .layer(taptalk::cors())
        .layer(for_backends)
        .layer(middleware::from_fn(peer_addr)))
}

/// Tells the endpoints whose connection it is.
async fn peer_addr(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(PeerAddr(address));
    next.run(request).await
}

/// The body of one of the app's own calls. Its `Content-Type` does not matter, as curl names another one by itself.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, StatusCode> {
    serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)
}
