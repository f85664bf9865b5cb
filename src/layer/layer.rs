use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;

use super::{
    Endpoints, Verify, VerifyService, admission::Admission, conclusion::Concluding, service::EndpointConclusion,
    settings::protection_setters,
};
use crate::{Contract, Endpoint, Route, Verifier, observe::Observer};

/// Adds one endpoint to a service; every other request passes through.
///
/// It protects the verifier by default:
///
/// | protection | default | setter |
/// |---|---|---|
/// | limit of the body | 16 KiB | [`body_limit`](Self::body_limit) |
/// | limit of the bytes of incomplete bodies, over all requests | 64 MiB | [`buffer_limit`](Self::buffer_limit) |
/// | deadline over reading and verifying together | 5 s | [`deadline`](Self::deadline) |
/// | secret that the caller must present in a header | none | [`caller_secret`](Self::caller_secret), [`caller_secret_by`](Self::caller_secret_by) |
/// | check of the caller over the whole request | none | [`caller_check`](Self::caller_check) |
/// | panics become failures | always | |
/// | `Cache-Control: no-store` on responses without a `Cache-Control` | always | |
/// | `Authorization`, `Proxy-Authorization` and `Cookie` are marked sensitive | always | |
///
/// If two layers have the same route, the outer one responds: the one that was added last in axum, the first one in a
/// `ServiceBuilder`.
///
/// Clones and the services that it makes share the endpoint and the verifier.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_verify::{BoxError, VerifyLayer, diyalog, verifier_fn};
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|_: Request<diyalog::CustomerToken>| async {
///     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
/// });
/// let layer = VerifyLayer::new(diyalog::CustomerEndpoint::new(), verifier).path("/v1/checkauthtoken")?.body_limit(4096);
/// let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app"))) });
/// let app = ServiceBuilder::new().layer(layer).service(app);
///
/// let body = String::from(r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#);
/// let response = app.oneshot(Request::post("/v1/checkauthtoken").body(body)?).await?;
/// assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[must_use]
pub struct VerifyLayer<E, V> {
    pub(super) admission: Arc<Admission<E, V>>,
}

impl<E, V> VerifyLayer<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    /// A layer that answers the calls of `endpoint` and asks `verifier` about their credentials.
    pub fn new(endpoint: E, verifier: V) -> Self {
        let route = endpoint.route();
        Self { admission: Arc::new(Admission::new(route, endpoint, verifier, 16 * 1024)) }
    }

    /// Starts the response to `request`.
    #[inline(always)]
    pub(super) fn start<B>(&self, request: Request<B>) -> Concluding<Response<Bytes>>
    where
        B: Body + Send + 'static,
    {
        self.admission.start::<EndpointConclusion, _>(request)
    }
}

impl<E, V> VerifyLayer<E, V> {
    protection_setters!(E, default body limit: "16 KiB");

    /// Replaces the endpoint's documented route.
    pub fn route(mut self, route: Route) -> Self {
        Arc::make_mut(&mut self.admission).route = route;
        self
    }

    /// Whether the endpoint is switched on. The default is `true`.
    ///
    /// If it is switched off, each of its calls fails as [disabled](crate::FailureKind::Disabled), and is answered as
    /// any other failure. The calls do not pass through to the app: an app that responds to unknown paths with 200
    /// would admit everybody. If the app is to respond itself, leave the layer out, for example with
    /// `tower::util::option_layer`.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.settings().enabled = enabled;
        self
    }

    /// The endpoint as a service of its own, for a router that matches the path: see `axum::Router::route_service`.
    ///
    /// It has no inner service. Of the endpoint's route, only the methods matter, and the path does not.
    pub fn into_service(self) -> VerifyService<E, V> {
        VerifyService::new(self.admission)
    }

    /// Sets the observer if there is none yet.
    pub(super) fn observe_by_default(&mut self, observer: &Arc<dyn Observer>) {
        self.settings().observer.get_or_insert_with(|| Arc::clone(observer));
    }

    pub(super) fn present_route(&self) -> &Route {
        &self.admission.route
    }
}

impl<S, E, V> Layer<S> for VerifyLayer<E, V> {
    type Service = Verify<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, Arc::new(Endpoints::one(self.clone())))
    }
}

impl<E, V> Clone for VerifyLayer<E, V> {
    fn clone(&self) -> Self {
        Self { admission: Arc::clone(&self.admission) }
    }
}

impl<E, V> fmt::Debug for VerifyLayer<E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer").field("admission", &self.admission).finish()
    }
}
