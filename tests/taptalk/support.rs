//! A fake TapTalk on a free loopback port.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Service, ServiceExt};
use tower_verify::{
    BoxError, PeerAddr,
    taptalk::{ApiKey, Client, Profile, TicketParameters, UserPlatform},
};

/// `key-id:605b32dd` in base64.
pub(crate) const SERVER_KEY: &str = "a2V5LWlkOjYwNWIzMmRk";
pub(crate) const TICKET: &str = "ticket-2121sa";
pub(crate) const GOOD: &str =
    r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"6","ticket":"ticket-2121sa"}}"#;
pub(crate) const REFUSED: &str =
    r#"{"status":400,"error":{"code":"40002","message":"Param 'xcUserID' is required","field":"105"},"data":{}}"#;

pub(crate) fn server_key() -> ApiKey {
    ApiKey::new("key-id", "605b32dd")
}

pub(crate) fn ada() -> Profile {
    Profile::new("customer-7", "Ada Lovelace")
}

pub(crate) fn parameters() -> TicketParameters {
    TicketParameters::new(ada(), UserPlatform::Ios, "device-7", "203.0.113.9", "Acme/1.0")
}

/// What the fake TapTalk does with one connection.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// Answers every request with this HTTP status and this body.
    Answers(u16, String),
    /// Redirects every request to this URL.
    Redirects(String),
    /// Reads a request, sends these bytes, and closes.
    Sends(&'static [u8]),
    /// Reads a request, sends these bytes, and keeps the connection open.
    SendsAndHangs(&'static [u8]),
    /// Reads a request, sends the first bytes, and then repeats the second ones.
    SendsForEver(&'static [u8], &'static [u8]),
    /// Closes without reading.
    Closes,
}

impl Behaviour {
    pub(crate) fn answers(status: u16, body: &str) -> Self {
        Self::Answers(status, body.to_owned())
    }
}

/// A running fake TapTalk, with the requests that it has read.
pub(crate) struct TapTalk {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl TapTalk {
    /// Starts a server that uses each of `behaviours` for one connection, and the last one for all further connections.
    pub(crate) async fn start(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        let (listener, address) = listen().await;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        let mut behaviours: VecDeque<_> = behaviours.into_iter().collect();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let behaviour = match behaviours.len() {
                    1 => behaviours[0].clone(),
                    _ => behaviours.pop_front().expect("at least one behaviour"),
                };
                tokio::spawn(behave(stream, behaviour, Arc::clone(&recorded)));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// Takes the requests that it has read so far.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    pub(crate) fn client(&self) -> Client<HttpClient> {
        client(&self.base_url())
    }
}

pub(crate) type HttpClient = legacy::Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client(base_url: &str) -> Client<HttpClient> {
    let http = legacy::Client::builder(TokioExecutor::new()).build_http();
    Client::new(http, server_key()).unwrap().base_url(base_url).unwrap()
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("no free loopback port");
    let address = listener.local_addr().expect("the socket is not bound");
    (listener, address)
}

/// Serves `app` on a free loopback port until the test's runtime ends. Each request has its `PeerAddr`.
pub(crate) async fn serve<S, B>(app: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let app = app.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddr(peer));
                app.clone().oneshot(request)
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn behave(mut stream: TcpStream, behaviour: Behaviour, requests: Arc<Mutex<Vec<Request<Bytes>>>>) {
    let (response, location) = match behaviour {
        Behaviour::Answers(status, body) => (Response::builder().status(status).body(body), None),
        Behaviour::Redirects(location) => (Response::builder().status(307).body(String::new()), Some(location)),
        // From here on, a client may close its connection while it is written to: that is no error.
        Behaviour::Sends(bytes) => {
            read_request(&mut stream).await;
            let _ = stream.write_all(bytes).await;
            return;
        }
        Behaviour::SendsAndHangs(bytes) => {
            read_request(&mut stream).await;
            let _ = stream.write_all(bytes).await;
            return std::future::pending().await;
        }
        Behaviour::SendsForEver(first, bytes) => {
            read_request(&mut stream).await;
            let _ = stream.write_all(first).await;
            while stream.write_all(bytes).await.is_ok() {}
            return;
        }
        Behaviour::Closes => return,
    };
    let mut response = response.unwrap().map(|body| Full::new(Bytes::from(body)));
    if let Some(location) = location {
        response.headers_mut().insert("location", location.parse().unwrap());
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let (requests, response) = (Arc::clone(&requests), response.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("the client's request broke off").to_bytes();
            requests.lock().unwrap().push(Request::from_parts(head, body));
            Ok::<_, Infallible>(response)
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Reads a request until its JSON object is complete.
async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"\"}") {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
}
