//! AWS Lambda: Diyalog's customer check in a function behind API Gateway.
//!
//! In Lambda the runtime calls the service. Anywhere else the same service listens, so that it can be tried:
//!
//! ```console
//! $ cargo run --example lambda
//! $ curl -d '{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! Validated
//! $ curl -d '{"deviceId": "1234", "dlgToken": "wrong", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! InvalidToken
//! $ curl http://127.0.0.1:3000/anything/else
//! the app
//! ```
//!
//! `LISTEN` is the address, `127.0.0.1:3000` by default.
//!
//! API Gateway puts a stage's name before the path unless the stage is `$default`: set
//! `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH` in the function's environment, or name the stage in `VerifyLayer::path`.

#[path = "support/bank.rs"]
mod bank;

use std::{convert::Infallible, env};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_verify::{BoxError, VerifyLayer, diyalog::CustomerEndpoint};

/// The app, for any type of body: Lambda's and a server's differ.
async fn app<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("the app\n")))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let layers = ServiceBuilder::new().layer(VerifyLayer::new(CustomerEndpoint::new(), bank::Bank));
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return lambda_http::run(layers.service_fn(app)).await;
    }

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback_service(layers.service_fn(app))).await?;
    Ok(())
}
