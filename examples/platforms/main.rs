//! Programs that know nothing of this crate, each with an endpoint of its own in a file of its own: RabbitMQ, Icecast,
//! FreeRADIUS, container registries, EMQX, RMQTT, SFTPGo, MediaMTX, Kubernetes, OAuth 2.0 introspection, and one for the
//! proxies nginx, Caddy, Traefik and Envoy.
//!
//! Copy the file of your program: it takes at most 45 lines, from its imports to its endpoint. Its header says what the
//! program reads as admitted, what it does when there is no answer, and which setting lets everybody in. `demo.rs` has
//! the verifier: put yours in its place. `.ci/platforms` runs the real programs with this example.
//!
//! ```console
//! $ cargo run --example platforms
//! $ curl -d 'username=good&password=605b32dd' http://127.0.0.1:3000/auth/user
//! allow
//! $ curl -d 'username=good&password=guess' http://127.0.0.1:3000/auth/user
//! deny
//! $ curl -d 'username=broken&password=605b32dd' http://127.0.0.1:3000/auth/user
//! deny
//! ```
//!
//! The users are `good`, with the password or the token `605b32dd`; `broken`, whose verification fails; `panic`, whose
//! verification panics; and `slow`, whose verification never ends. `LISTEN` is the address, `127.0.0.1:3000` by
//! default, and `/openapi.json` describes the endpoints that read a form or HTTP's Basic. `REGISTRY_KEY` and `REGISTRY_CERTIFICATE` name files in DER, with which the registry's tokens are signed.

mod demo;
mod document;
mod emqx;
mod envoy_grpc;
mod envoy_messages;
mod forward_auth;
mod freeradius;
mod icecast;
mod introspection;
mod mediamtx;
mod rabbitmq;
mod registry;
mod registry_tokens;
mod rmqtt;
mod sftpgo;
mod token_review;

use std::{env, fs, time::Duration};

use axum::{Json, Router, routing::get};
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, CallerSecret, Endpoints,
    token::{KeyRing, Signer},
};

use self::registry_tokens::Issuer;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Without a key of its own, the registry's endpoint has nothing to sign with, and fails each call.
    let file = |name| env::var_os(name).map(fs::read).transpose().map(Option::unwrap_or_default);
    let issuer = Issuer::new(&file("REGISTRY_KEY")?, &file("REGISTRY_CERTIFICATE")?);
    let signer = Signer::new("demo", "session", "", KeyRing::generate()?)?;
    let session = signer.issue(&[], Duration::from_secs(3600))?;
    let active = signer.check(session.token.expose_secret(), &[])?;
    let (sessions, resource_server) = (demo::Sessions(signer), CallerSecret::basic([("api", "605b32dd")])?);
    let introspection = demo::layer_with(introspection::Introspection, sessions).caller_secret(resource_server);
    let (icecast, rabbitmq) = (demo::layer(icecast::Icecast), demo::layer(rabbitmq::RabbitMq));
    let registry = demo::layer_with(registry::Registry, issuer);
    let document = document::document(&icecast, (&introspection, active), &rabbitmq, &registry)?;
    let endpoints = Endpoints::new()
        .with(demo::layer(emqx::Emqx))?
        .with(demo::layer(forward_auth::ForwardAuth))?
        .with(demo::layer(freeradius::FreeRadius))?
        .with(icecast)?
        .with(introspection)?
        .with(demo::layer(mediamtx::MediaMtx))?
        .with(rabbitmq)?
        .with(registry)?
        .with(demo::layer(rmqtt::Rmqtt))?
        .with(demo::layer(sftpgo::SftpGo))?
        .with(demo::layer(token_review::TokenReview))?;
    let app = Router::new()
        .route("/openapi.json", get(Json(document)))
        .merge(envoy_grpc::router(demo::layer(forward_auth::ForwardAuth)))
        .layer(endpoints);

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    println!("a token for /introspect: {}", session.token.expose_secret());
    axum::serve(listener, app).await?;
    Ok(())
}
