//! Whole servers: hyper and axum on a listener.
//!
//! Connections for hyper are accepted in a loop here, those for axum by `axum::serve`. Both set `TCP_NODELAY`.

use std::{convert::Infallible, error::Error};

use axum::{Router, serve::ListenerExt};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower_service::Service;

pub(crate) async fn axum(listener: TcpListener, app: Router) -> Result<(), Box<dyn Error>> {
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket that is open"));
    Ok(axum::serve(listener, app).await?)
}

pub(crate) async fn hyper<S, B>(listener: TcpListener, service: S) -> Result<(), Box<dyn Error>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: http_body::Body<Data: Send, Error = Infallible> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
