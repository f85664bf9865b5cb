//! A platform that the crate does not know, with its public traits alone: a turnstile that asks whether a badge is good.
//!
//! It sends `POST /turnstile` with `{"badge": "…"}`, and opens at `{"open": true}`.
//! `LISTEN` is the address, `127.0.0.1:3000` by default.

use std::env;

use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_verify::{
    BoxError, ConfigError, Credential, Endpoint, Outcome, Rejection, Route, Secret, Verifier, VerifyLayer,
};

/// What the turnstile submits.
#[derive(Deserialize)]
struct Badge {
    badge: Secret,
}

impl Credential for Badge {
    type Verdict = bool;
}

/// How the turnstile asks, and what it reads.
struct Turnstile {
    route: Route,
}

impl Turnstile {
    fn new() -> Result<Self, ConfigError> {
        Ok(Self { route: Route::new(Method::POST, "/turnstile")? })
    }
}

impl Endpoint for Turnstile {
    type Credential = Badge;

    fn route(&self) -> &Route {
        &self.route
    }

    fn decode(&self, _: &mut Parts, body: Bytes) -> Result<Badge, Rejection> {
        // serde's own message may repeat what was sent.
        serde_json::from_slice(&body).map_err(|_| Rejection::malformed("the body must be {\"badge\": \"…\"}"))
    }

    fn answer(&self, outcome: Outcome<bool>) -> Response<Bytes> {
        // One place decides what opens the turnstile; everything else only chooses a status.
        let body: &[u8] = if outcome.admits() { br#"{"open": true}"# } else { br#"{"open": false}"# };
        let mut response = Response::new(Bytes::from_static(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.status_mut() = match outcome {
            Outcome::Verdict(_) => StatusCode::OK,
            Outcome::Rejected(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        response
    }
}

struct Reception;

impl Verifier<Badge> for Reception {
    async fn verify(&self, request: Request<Badge>) -> Result<bool, BoxError> {
        Ok(request.body().badge == "4711")
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = Router::new().layer(VerifyLayer::new(Turnstile::new()?, Reception));

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}");
    println!(r#"curl -d '{{"badge": "4711"}}' {url}/turnstile"#);
    axum::serve(listener, app).await?;
    Ok(())
}
