//! hyper without a framework: Diyalog's customer check in front of an app that is one function.
//!
//! Diyalog asks `POST /checkauthtoken` whether a customer's token is good, and reads the word that is answered. The layer
//! answers these calls; every other request is the app's.
//!
//! ```console
//! $ cargo run --example hyper
//! $ curl -d '{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! Validated
//! $ curl -d '{"deviceId": "1234", "dlgToken": "wrong", "customerNo": "1234567"}' http://127.0.0.1:3000/checkauthtoken
//! InvalidToken
//! $ curl http://127.0.0.1:3000/anything/else
//! the app
//! ```
//!
//! `LISTEN` is the address, `127.0.0.1:3000` by default.

#[path = "support/bank.rs"]
mod bank;

use std::{convert::Infallible, env};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_verify::{BoxError, VerifyLayer, diyalog::CustomerEndpoint};

async fn app(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("the app\n")))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceBuilder::new().layer(VerifyLayer::new(CustomerEndpoint::new(), bank::Bank)).service_fn(app);
    let service = TowerToHyperService::new(service);

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on http://{}", listener.local_addr()?);

    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection ended early: {error}");
            }
        });
    }
}
