//! Shared by the tests of every host: one customer, one layer, and calls.

use std::{
    convert::Infallible,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::Service;
use tower_verify::{
    BoxError, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
};

/// The call about the one customer whose token is good.
pub(crate) const GOOD: &str = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
/// A call with an unknown token.
pub(crate) const UNKNOWN: &str = r#"{"deviceId": "1234", "dlgToken": "2121sb", "customerNo": "1234567"}"#;
/// A malformed call.
pub(crate) const MALFORMED: &str = r#"{"deviceId": 1234"#;

pub(crate) const PARTNER_PATH: &str = "/checkauthtoken";
pub(crate) const APP_PATH: &str = "/app";
pub(crate) const APP: &str = "the app";

/// A timeout that is far longer than any test takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A verifier that knows one customer and counts its calls. It is not `Clone`: no host requires it.
pub(crate) struct OneCustomer {
    asked: Arc<AtomicUsize>,
}

impl Verifier<CustomerToken> for OneCustomer {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let token = request.into_body();
        let good = token.dlg_token == "2121sa" && token.device_id == "1234" && token.customer_no == "1234567";
        Ok(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

pub(crate) fn customer() -> VerifyLayer<CustomerEndpoint, OneCustomer> {
    counted_customer().0
}

pub(crate) fn counted_customer() -> (VerifyLayer<CustomerEndpoint, OneCustomer>, Arc<AtomicUsize>) {
    customer_at(PARTNER_PATH)
}

pub(crate) fn customer_at(path: &str) -> (VerifyLayer<CustomerEndpoint, OneCustomer>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let layer = VerifyLayer::new(CustomerEndpoint::new(), OneCustomer { asked: Arc::clone(&asked) });
    (layer.path(path).expect("the path is valid"), asked)
}

/// The app inside of the layer. It responds to every request.
pub(crate) async fn app<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(APP)))
}

pub(crate) fn partner_call<B: From<&'static str>>(body: &'static str) -> Request<B> {
    partner_call_to(PARTNER_PATH, body)
}

pub(crate) fn partner_call_to<B: From<&'static str>>(uri: &str, body: &'static str) -> Request<B> {
    Request::post(uri).header("content-type", "application/json").body(body.into()).expect("the request is valid")
}

pub(crate) fn app_call<B: From<&'static str>>() -> Request<B> {
    Request::get(APP_PATH).body("".into()).expect("the request is valid")
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) async fn of<B>(response: Response<B>) -> Self
    where
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(Into::into).expect("the body has no error");
        let trailers = body.trailers().cloned();
        let body = String::from_utf8(body.to_bytes().into()).expect("the body is text");
        Self { status: head.status.as_u16(), headers: head.headers, body, trailers }
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (status, body));
    }

    /// Asserts that this is one of Diyalog's words, and came from the layer.
    #[track_caller]
    pub(crate) fn is_word(&self, word: &str) {
        self.is(200, word);
        assert_eq!(self.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(self.headers["cache-control"], "no-store");
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    (listener, address)
}

/// Serves HTTP/1.1 and HTTP/2 on a free loopback port until the test's runtime ends.
pub(crate) async fn serve<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<::hyper::body::Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // The result does not matter: the tests check the responses.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// Sends one request over HTTP/1.1 to `address`, whatever host its URI names.
pub(crate) async fn send(address: SocketAddr, request: Request<String>) -> Answer {
    let (mut head, body) = request.into_parts();
    head.uri = format!("http://{address}{}", head.uri).parse().expect("an address and a path are a URI");
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
    Answer::of(client.request(Request::from_parts(head, body)).await.expect("the server answers")).await
}
