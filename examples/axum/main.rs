//! One axum app with every endpoint of the crate, its own routes beside them, and a tour of all calls.
//!
//! ```console
//! $ cargo run --example axum
//! ```
//!
//! It listens on `127.0.0.1:3000` and prints the tour: who calls and why, each call as a command for a shell, and its
//! answer. At `http://127.0.0.1:3000/` the same calls are made by clicking, and `http://127.0.0.1:3000/agent_case` embeds
//! Diyalog for an agent in an iframe. One of the commands, and its answer:
//!
//! ```console
//! $ curl http://127.0.0.1:3000/auth -d '{"auth":{"username":"demo@example.com","password":"605b32dd"}}'
//! {"login_id":12,"token":"123456789"}
//! ```
//!
//! `http://127.0.0.1:3000/openapi.json` is an OpenAPI document of all endpoints, made from the layers below, and at
//! `http://127.0.0.1:3000/docs` each call can be tried. The settings are in `settings.rs`.

mod commands;
mod diyalog;
mod docs;
mod observing;
mod outage;
mod page;
mod server;
mod sessions;
mod settings;
mod state;
mod talkdesk;
mod taptalk;
mod throttle;
mod tour;

use std::{net::SocketAddr, process::ExitCode};

use axum::{Router, http::StatusCode, routing::get};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tower_http::trace::TraceLayer;
use tower_verify::{
    BoxError, CallerSecret, Endpoints, VerifyLayer,
    diyalog::{AUTH_TOKEN, AgentEndpoint, CustomerEndpoint, Tokens},
    observe::request_span,
    openapi::OpenApi,
    talkdesk::Validator,
    taptalk::{AuthTicketEndpoint, UserUpdateEndpoint},
    token::KeyRing,
};

use outage::Outage;
use sessions::Sessions;
use settings::Settings;
use state::Stores;
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
    observing::log()?;
    let settings = Settings::from_env()?;
    let listener = listen(settings.listen, "LISTEN").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let operator = match settings.metrics_listen {
        Some(address) => Some((listen(address, "METRICS_LISTEN").await?, observing::record_metrics()?)),
        None => None,
    };
    let (stores, keys) = (state::stores(&settings).await?, state::keys(&settings)?);
    println!("# listening on {url}");
    if let Some((listener, metrics)) = operator {
        println!("# metrics on http://{}/metrics", listener.local_addr()?);
        tokio::spawn(observing::serve(listener, metrics, keys.clone(), stores.office.clone()));
    }
    let app = app(&settings, &url, stores, keys).await?;
    println!("{}", commands::commands(&url));
    server::serve(listener, app, server::stopped()).await;
    Ok(())
}

async fn listen(address: SocketAddr, variable: &str) -> Result<TcpListener, String> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|error| format!("cannot listen on {address}: {error} ({variable}=127.0.0.1:0 takes a free port)"))
}

async fn app(settings: &Settings, url: &str, stores: Stores, keys: KeyRing) -> Result<Router, BoxError> {
    let (Stores { throttle, sessions, office }, observers) = (stores, observing::observers());
    let throttles = Throttles::new(settings, throttle).await?;
    let sessions = Sessions::new(sessions, keys.clone())?;
    let tokens = Tokens::new("demo", keys.clone())?.ttl(settings.token_ttl)?;
    let office = taptalk::office(settings, office, keys)?;
    let issuer = taptalk::issuer(settings.taptalk_base.as_deref().unwrap_or(url), sessions.clone())?;

    let validator = Outage::new(talkdesk::Bridge, talkdesk::username);
    let validator = throttles.guessable(validator, talkdesk::username)?;
    let customers = throttles.random(Outage::new(tokens.clone(), diyalog::customer), diyalog::customer)?;
    let agents = throttles.random(Outage::new(tokens.clone(), diyalog::agent), diyalog::agent)?;
    let backends = Outage::new(office.clone(), taptalk::backend_of_ticket);
    let backends = throttles.random(backends, taptalk::backend_of_ticket)?;
    let updates = Outage::new(office.clone(), taptalk::backend_of_update);
    let updates = throttles.random(updates, taptalk::backend_of_update)?;

    let validator = VerifyLayer::new(Validator::new(), validator);
    let mut customers = VerifyLayer::new(CustomerEndpoint::new(), customers);
    let mut agents = VerifyLayer::new(AgentEndpoint::new(), agents);
    if let Some(secret) = &settings.diyalog_auth_token {
        let secret = CallerSecret::new(AUTH_TOKEN, [&**secret])?;
        (customers, agents) = (customers.caller_secret(secret.clone()), agents.caller_secret(secret));
    }
    let backends = VerifyLayer::new(AuthTicketEndpoint::new(), backends);
    let updates = VerifyLayer::new(UserUpdateEndpoint::new(), updates);
    let document = OpenApi::new("The axum example of tower-verify", "1.0.0")
        .endpoint(&validator)?
        .endpoint(&customers)?
        .endpoint(&agents)?
        .endpoint(&backends)?
        .endpoint(&updates)?;
    let (later_calls, document) = talkdesk::later_calls(&throttles, observers.clone(), document)?;
    let (for_pages, document) = taptalk::for_pages(office, issuer, observers.clone(), document)?;
    let document = document.into_json();

    let for_backends = Endpoints::observed_by(observers)
        .with(validator.principal(throttles.pseudonym(talkdesk::username)))?
        .with(customers.principal(throttles.pseudonym(diyalog::customer)))?
        .with(agents.principal(throttles.pseudonym(diyalog::agent)))?
        .with(backends.principal(throttles.pseudonym(taptalk::backend_of_ticket)))?
        .with(updates.principal(throttles.pseudonym(taptalk::backend_of_update)))?;
    Ok(Router::new()
        .route("/app", get(|| async { "the app" }))
        .merge(page::pages())
        .merge(docs::docs(&document))
        .merge(sessions.login())
        .merge(diyalog::logins(tokens))
        .merge(later_calls)
        .merge(for_pages)
        // Without a fallback of its own, the app would get the one of `for_pages`, with its CORS headers.
        .fallback_service(docs::fallback(&document))
        .layer(for_backends)
        .layer(TraceLayer::new_for_http().make_span_with(request_span)))
}

/// Decodes the body of one of the app's own calls. The `Content-Type` does not matter: curl sends another one.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, StatusCode> {
    serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)
}
