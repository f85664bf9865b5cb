//! A platform that the crate does not know: an endpoint of your own, made of the crate's public traits.
//!
//! A turnstile sends `POST /turnstile` with `{"badge": "…"}`, and opens when the answer is `{"open":true}`. `Turnstile` says
//! how it asks and what it reads, `Reception` says which badge is good. The layer protects both as it does the built-in
//! endpoints.
//!
//! ```console
//! $ cargo run --example custom_endpoint
//! $ curl -d '{"badge": "4711"}' http://127.0.0.1:3000/turnstile
//! {"open":true}
//! $ curl -d '{"badge": "4712"}' http://127.0.0.1:3000/turnstile
//! {"open":false}
//! $ curl -d '{"badge": 4711}' http://127.0.0.1:3000/turnstile
//! {"open":false}
//! ```
//!
//! The last answer has the status 400. `LISTEN` is the address, `127.0.0.1:3000` by default.

use std::env;

use axum::Router;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, request::Parts};
use serde_json::json;
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, Verifier, VerifyLayer,
    wire::{
        self,
        json::{self, Value},
        response,
    },
};

/// The badge that the turnstile submits.
struct Badge(Secret);

impl Credential for Badge {
    type Verdict = bool;
}

/// How the turnstile asks, and what it reads.
struct Turnstile;

impl Contract for Turnstile {
    type Credential = Badge;
    type Context = ();
    const NAME: &'static str = "turnstile";

    fn decode(&self, _: &mut Parts, body: Bytes, (): &mut ()) -> Result<Badge, Rejection> {
        let body = wire::text(body)?;
        match json::members(&body, &["badge"])? {
            [Some(Value::Text(badge))] => Ok(Badge(badge.into_owned().into())),
            _ => Err(Rejection::malformed("`badge` must be a string").with_field("badge")),
        }
    }

    fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
        let status = match outcome {
            Outcome::Verdict(false) => StatusCode::OK,
            Outcome::Rejected(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        response::json(status, &json!({"open": false}))
    }
}

impl Endpoint for Turnstile {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/turnstile")
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        response::json(StatusCode::OK, &json!({"open": true}))
    }
}

struct Reception;

impl Verifier<Badge> for Reception {
    async fn verify(&self, request: Request<Badge>) -> Result<bool, BoxError> {
        Ok(request.body().0 == "4711")
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = Router::new().layer(VerifyLayer::new(Turnstile, Reception));

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
