//! Whole servers: hyper and axum on a listener.
//!
//! Connections for hyper are accepted in a loop here, those for axum by `axum::serve`. Both set `TCP_NODELAY`.

use std::{convert::Infallible, error::Error, io::Read, net::SocketAddr};

use axum::{Router, serve::ListenerExt};
use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower::service_fn;
use tower_service::Service;

/// Ends the process when its standard input is closed.
pub(crate) fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// Serves on one thread, until standard input is closed. Prints the URL first.
pub(crate) fn serve_until_stdin_closes<F>(serve: impl FnOnce(TcpListener) -> F) -> Result<(), Box<dyn Error>>
where
    F: Future<Output = Result<(), Box<dyn Error>>>,
{
    end_with_stdin();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        println!("http://{}", listener.local_addr()?);
        serve(listener).await
    })
}

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

/// A static answer to Diyalog's check. It only drains the body.
pub(crate) fn validated()
-> impl Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone {
    async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
        const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

        let mut body = request.into_body();
        while body.frame().await.is_some() {}
        let mut response = Response::new(Full::new(Bytes::from_static(b"Validated")));
        response.headers_mut().insert(CONTENT_TYPE, PLAIN_TEXT);
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        Ok(response)
    }
    service_fn(answer)
}
