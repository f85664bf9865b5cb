//! Whole servers, on one connection over loopback. All that the server's thread does in user space is counted: the
//! runtime, the server and the app. The client is another thread, which is not counted.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    pin::Pin,
    thread,
};

use axum::{Router, body::Body, routing::post};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{layer::util::Identity, service_fn};
use tower_service::Service;

use crate::support::{
    bare::TEXT,
    call::{self, Call, Known},
    server,
};

type Answer = Result<Response<Full<Bytes>>, Infallible>;

type Serving = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error>>>>>;

/// A server for a listener.
pub(crate) type Server = Box<dyn FnOnce(tokio::net::TcpListener) -> Serving + Send>;

pub(crate) fn hyper<S>(service: S) -> Server
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
{
    Box::new(|listener| Box::pin(server::hyper(listener, service)))
}

pub(crate) fn axum(router: Router) -> Server {
    Box::new(|listener| Box::pin(server::axum(listener, router)))
}

/// An app for hyper with one static answer.
pub(crate) fn app()
-> impl Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone {
    async fn answer(_: Request<Incoming>) -> Answer {
        Ok(Response::new(Full::new(Bytes::from_static(TEXT.as_bytes()))))
    }
    service_fn(answer)
}

/// An app for axum with one static answer.
pub(crate) fn router() -> Router {
    Router::new().route("/api/v1/messages", post(async || Response::new(Body::from(TEXT))))
}

/// A layer that does nothing. axum boxes it like every layer.
pub(crate) fn nothing() -> Identity {
    Identity::new()
}

/// Starts a server, and makes a call `times` times after a first one. Each answer is compared.
pub(crate) fn repeat(server: Server, call: Call, times: u32) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let mut stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    stream.set_nodelay(true).expect("an open socket");
    thread::spawn(|| counted_serve(listener, server));
    let request = call::on_the_wire(&call.request);
    for _ in 0..=times {
        stream.write_all(&request).expect("the server closed the connection");
        assert_eq!(read_answer(&mut stream), call.answer);
    }
}

/// Serves until the process ends.
#[inline(never)]
fn counted_serve(listener: TcpListener, server: Server) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let served = runtime.block_on(async {
        listener.set_nonblocking(true)?;
        server(tokio::net::TcpListener::from_std(listener)?).await
    });
    served.expect("the server ended");
}

/// Reads one answer, which must have a `Content-Length`.
fn read_answer(stream: &mut TcpStream) -> Known {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).expect("the server closed the connection");
        assert!(length > 0, "the server closed the connection");
        bytes.extend_from_slice(&buffer[..length]);
        let text = std::str::from_utf8(&bytes).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let mut response = Response::builder().status(status);
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a header");
            response = response.header(name, value);
        }
        let response = response.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("an answer");
        if response.headers()["content-length"] == *body.len().to_string() {
            return Known::of(response);
        }
    }
}
