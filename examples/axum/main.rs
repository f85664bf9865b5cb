//! One axum app with every endpoint of the crate in it, its own routes beside them, and a copy-and-paste tour.
//!
//! `cargo run --example axum` serves on `127.0.0.1:3000`; what can be set is in `settings.rs`.

mod commands;
mod diyalog;
mod settings;
mod talkdesk;

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{Agent, Customer, Tokens},
    talkdesk::Validator,
    token::KeyRing,
};

use settings::Settings;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let settings = Settings::from_env()?;
    let app = app(&settings)?;

    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error} (LISTEN=127.0.0.1:0 takes a free port)", settings.listen)
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("# listening on {url}");
    println!("{}", commands::commands(&url));
    axum::serve(listener, app).with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}

fn app(settings: &Settings) -> Result<Router, BoxError> {
    let tokens = Tokens::new("demo", keys(settings)?)?.ttl(settings.token_ttl)?;
    Ok(Router::new()
        .route("/", get(|| async { "the app" }))
        .merge(diyalog::logins(tokens.clone()))
        .merge(talkdesk::later_calls())
        .layer(VerifyLayer::new(Validator::new(), talkdesk::Bridge))
        .layer(VerifyLayer::new(Customer::new(), tokens.clone()))
        .layer(VerifyLayer::new(Agent::new(), tokens)))
}

fn keys(settings: &Settings) -> Result<KeyRing, BoxError> {
    Ok(match &settings.token_keys {
        Some(keys) => KeyRing::parse(keys)?,
        None => {
            println!("# TOKEN_KEYS is not set: tokens are signed with a key that ends with this process");
            KeyRing::generate()?
        }
    })
}

/// 128 random bits, as text.
fn random_id() -> Result<String, getrandom::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}
