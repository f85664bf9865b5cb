//! The facts about an endpoint or a guard that a target needs.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Collected, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_verify::{
    BoxError, CallerSecret, Contract, Credential, Endpoint, GuardContract, GuardLayer, Verifier, VerifyLayer,
    layer::GuardedBody, observe::Observer,
};

use crate::message;

pub type VerdictOf<S> = <<S as Contract>::Credential as Credential>::Verdict;

/// All that a verifier was asked about, in a fixed order.
pub type Fields = Vec<Option<String>>;

/// An endpoint or a guard whose credentials and answers a target can look into.
pub trait Subject: Contract + Sized {
    /// The method and the path of its requests.
    const METHOD: Method;
    const PATH: &'static str;

    fn new() -> Self;

    fn fields(credential: &Self::Credential) -> Fields;

    /// The same, read from the request without the crate. `None` if the verifier must not be asked.
    fn expected(head: &Parts, body: &[u8]) -> Option<Fields>;

    fn positive() -> VerdictOf<Self>;

    /// One of the negative verdicts.
    fn negative(choice: u8) -> VerdictOf<Self>;

    /// Whether the platform reads `answer` as admitted.
    fn is_admitted(answer: &Response<Bytes>) -> bool;

    /// Checks what is true of every answer.
    fn assert_well_formed(answer: &Response<Bytes>);

    /// Sends a request through the layer.
    fn call<V, B>(verifier: V, settings: Settings, request: Request<B>) -> impl Future<Output = Response<Bytes>>
    where
        V: Verifier<Self::Credential>,
        B: Body<Data = Bytes, Error = BoxError> + Send + 'static;
}

/// The settings of the layer that a target changes.
#[derive(Default)]
pub struct Settings {
    pub body_limit: Option<usize>,
    pub buffer_limit: Option<usize>,
    pub caller_secret: Option<CallerSecret>,
    pub observer: Option<Arc<dyn Observer>>,
}

macro_rules! set {
    ($layer:ident, $settings:ident) => {{
        let Settings { body_limit, buffer_limit, caller_secret, observer } = $settings;
        let mut layer = $layer.without_deadline();
        if let Some(limit) = body_limit {
            layer = layer.body_limit(limit);
        }
        if let Some(limit) = buffer_limit {
            layer = layer.buffer_limit(limit);
        }
        if let Some(secret) = caller_secret {
            layer = layer.caller_secret(secret);
        }
        if let Some(observer) = observer {
            layer = layer.observer(observer);
        }
        layer
    }};
}

/// The request that the app behind a guard got: an extension of its answer.
#[derive(Clone)]
pub struct Reached {
    pub head: Parts,
    /// The body, if it was complete.
    pub body: Option<Bytes>,
    pub trailers: bool,
}

/// The request to an endpoint or a guard that `input` describes: see [`message`].
pub fn request<S: Subject>(input: &[u8]) -> Request<Bytes> {
    let mut request = message::parse(S::PATH, input);
    *request.method_mut() = S::METHOD;
    request
}

/// Sends a request to an endpoint.
pub async fn call_endpoint<E, V, B>(
    endpoint: E,
    verifier: V,
    settings: Settings,
    request: Request<B>,
) -> Response<Bytes>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
{
    let layer = VerifyLayer::new(endpoint, verifier);
    let Ok(answer) = set!(layer, settings).into_service().oneshot(request).await;
    collected(answer).await
}

/// Sends a request through a guard to an app that keeps what it gets.
pub async fn call_guard<G, V, B>(guard: G, verifier: V, settings: Settings, request: Request<B>) -> Response<Bytes>
where
    G: GuardContract,
    V: Verifier<G::Credential>,
    B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
{
    let app = service_fn(|request: Request<GuardedBody<B>>| async {
        let (head, body) = request.into_parts();
        // A body that is not read by the guard panics in the app, if it does.
        let body = AssertUnwindSafe(body.collect()).catch_unwind().await.ok().and_then(Result::ok);
        let trailers = body.as_ref().is_some_and(|body| body.trailers().is_some());
        let mut answer = Response::new(Full::default());
        answer.extensions_mut().insert(Reached { head, body: body.map(Collected::to_bytes), trailers });
        Ok::<_, Infallible>(answer)
    });
    let layer = GuardLayer::new(guard, verifier);
    let Ok(answer) = set!(layer, settings).layer(app).oneshot(request).await;
    collected(answer).await
}

async fn collected(answer: Response<Full<Bytes>>) -> Response<Bytes> {
    let (head, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    Response::from_parts(head, body.to_bytes())
}
