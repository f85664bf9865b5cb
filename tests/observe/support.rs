//! An endpoint with a verifier that does what the token says, and calls to it.

use std::{
    convert::Infallible,
    future::pending,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_verify::{
    BoxError, Failure, PeerAddr, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    observe::{Event, EventOutcome, Observer, Pseudonym},
};

/// The client's address in each call.
pub(crate) const CLIENT: &str = "203.0.113.9";

/// The text of the verifier's error.
pub(crate) const ERROR: &str = "no such table: customers";

pub(crate) struct Scripted;

impl Verifier<CustomerToken> for Scripted {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let _entered = tracing::info_span!("look_up").entered();
        tracing::trace!("asked");
        drop(_entered);
        match request.body().dlg_token.expose_secret() {
            "good" => Ok(CustomerVerdict::Validated),
            "expired" => Ok(CustomerVerdict::ExpiredToken),
            "error" => Err(Failure::from_error(ERROR).into()),
            "throttled" => Err(Failure::throttled(Duration::from_secs(3)).into()),
            "panic" => panic!("a bug"),
            "hang" => pending().await,
            other => unreachable!("{other}"),
        }
    }
}

pub(crate) type Customers = VerifyLayer<CustomerEndpoint, Scripted>;

pub(crate) fn customers() -> Customers {
    VerifyLayer::new(CustomerEndpoint::new(), Scripted)
}

/// Each outcome of a call: the token, the name of the outcome, and the name of the verdict.
pub(crate) const OUTCOMES: [(&str, &str, Option<&str>); 6] = [
    ("good", "admitted", None),
    ("expired", "denied", Some("expired_token")),
    ("error", "error", None),
    ("throttled", "throttled", None),
    ("panic", "panicked", None),
    ("hang", "deadline_exceeded", None),
];

pub(crate) fn body(token: &str) -> String {
    format!(r#"{{"deviceId": "1234", "dlgToken": "{token}", "customerNo": "1234567"}}"#)
}

pub(crate) fn request(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::builder().method(Method::POST).uri("/checkauthtoken");
    let peer = PeerAddr(format!("{CLIENT}:4711").parse().unwrap());
    request.extension(peer).body(Full::new(body.into())).unwrap()
}

/// Sends one request to an app behind this layer.
pub(crate) async fn send<B, L>(layer: &L, request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body + Send + 'static,
    L: Layer<App<B>, Service: tower::Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible>>,
{
    layer.layer(service_fn(app::<B> as Handler<B>)).oneshot(request).await.unwrap()
}

pub(crate) type App<B> = tower::util::ServiceFn<Handler<B>>;
type Handler<B> = fn(Request<B>) -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

fn app<B>(_: Request<B>) -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
    std::future::ready(Ok(Response::new(Full::from("the app"))))
}

/// Runs a future on a paused clock, which advances at once while everything waits.
pub(crate) fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

/// An owned copy of an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) endpoint: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) verdict: Option<&'static str>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) body_bytes: Option<usize>,
    pub(crate) reading: Duration,
    pub(crate) verifying: Option<Duration>,
    pub(crate) total: Duration,
    pub(crate) principal: Option<Pseudonym>,
    pub(crate) client: Option<IpAddr>,
}

/// An observer that keeps its events.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    seen: Arc<Mutex<Vec<Seen>>>,
    started: Arc<Mutex<Vec<&'static str>>>,
}

impl Recorder {
    /// Takes the only event. Panics if there is not exactly one.
    pub(crate) fn only(&self) -> Seen {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let started = std::mem::take(&mut *self.started.lock().unwrap());
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(started, [seen[0].endpoint], "each observed call has started");
        seen[0].clone()
    }
}

impl Recorder {
    /// Returns the outcomes of all events.
    pub(crate) fn outcomes(&self) -> Vec<&'static str> {
        self.seen.lock().unwrap().iter().map(|seen| seen.outcome).collect()
    }
}

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        let Event { endpoint, outcome, status, body_bytes, reading, verifying, total, principal, client, .. } = *event;
        let verdict = match outcome {
            EventOutcome::Denied(verdict) => Some(verdict),
            _ => None,
        };
        let outcome = outcome.as_str();
        self.seen.lock().unwrap().push(Seen {
            endpoint,
            outcome,
            verdict,
            status,
            body_bytes,
            reading,
            verifying,
            total,
            principal,
            client,
        });
    }

    fn started(&self, endpoint: &'static str) {
        self.started.lock().unwrap().push(endpoint);
    }
}

/// Returns the result of a future that must be ready.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the future is not ready")
}
