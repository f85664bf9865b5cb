//! Sends a vector's request to its app and reads the answer: in process, or over a socket.

use std::{collections::BTreeMap, convert::Infallible, fmt::Debug};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::body::Incoming;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt, util::BoxCloneSyncService};
use tower_verify::BoxError;

use super::Answer;

pub(crate) type Body = BoxBody<Bytes, BoxError>;
pub(crate) type App = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

pub(crate) async fn in_process(app: App, request: Request<Body>) -> Answer {
    let Ok(response) = app.oneshot(request).await;
    answer(response, &[]).await
}

pub(crate) async fn over_a_socket(app: App, request: Request<Body>) -> Answer {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = BoxCloneSyncService::new(app.map_request(|request: Request<Incoming>| request.map(boxed)));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = hyper::server::conn::http1::Builder::new();
        connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)).await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = client.send_request(request).await.unwrap();
    answer(response, &["connection", "content-length", "date", "transfer-encoding"]).await
}

/// Turns a response into an [`Answer`], without the headers that the connection adds.
async fn answer<B>(response: Response<B>, added: &[&str]) -> Answer
where
    B: hyper::body::Body<Data = Bytes, Error: Debug>,
{
    let (head, body) = response.into_parts();
    let mut headers = BTreeMap::new();
    for name in head.headers.keys().filter(|name| !added.contains(&name.as_str())) {
        headers.insert(name.to_string(), values(&head.headers, name));
    }
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() }
}

fn values(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(" | ")
}

pub(crate) fn boxed<B>(body: B) -> Body
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
{
    body.map_err(Into::into).boxed()
}
