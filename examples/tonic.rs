//! tonic: a gRPC server that answers Diyalog's customer check on the same port.
//!
//! Diyalog asks `POST /checkauthtoken` whether a customer's token is good, and reads the word that is answered. gRPC is
//! HTTP/2, but most partners call over HTTP/1.1: `accept_http1(true)` lets both in.
//!
//! ```console
//! $ cargo run --example tonic
//! $ curl -d '{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! Validated
//! $ curl -d '{"deviceId": "1234", "dlgToken": "wrong", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! InvalidToken
//! ```
//!
//! `LISTEN` is the address, `127.0.0.1:3000` by default.

#[path = "support/bank.rs"]
mod bank;

use std::env;

use http::Response;
use tokio::net::TcpListener;
use tonic::{
    body::Body,
    transport::{Server, server::TcpIncoming},
};
use tower::util::MapResponseLayer;
use tower_verify::{BoxError, VerifyLayer, diyalog::CustomerEndpoint, layer::ResponseBody};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Any gRPC service will do. This one needs no `.proto` file here.
    let (_reporter, health) = tonic_health::server::health_reporter();

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);

    Server::builder()
        .accept_http1(true)
        .layer(VerifyLayer::new(CustomerEndpoint::new(), bank::Bank))
        .layer(MapResponseLayer::new(|response: Response<Body>| response.map(ResponseBody::new)))
        .add_service(health)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}
