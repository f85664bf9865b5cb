use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;

use super::{Verify, VerifyLayer, conclusion::Concluding, routes::Routes};
use crate::{ConfigError, Endpoint, Verifier, observe::Observer};

/// Adds several endpoints to a service in one layer; every other request passes through.
///
/// Each endpoint is a [`VerifyLayer`], with its own verifier and its own protections. A request to the app costs the
/// same with one endpoint and with sixteen. This matters most in axum, which clones a boxed service for each layer.
///
/// If several routes match a request, the endpoint that was added first responds.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_verify::{BoxError, Endpoints, VerifyLayer, diyalog, verifier_fn};
///
/// # futures::executor::block_on(async {
/// let customers = verifier_fn(|_: Request<diyalog::CustomerToken>| async {
///     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
/// });
/// let agents = verifier_fn(|_: Request<diyalog::AgentToken>| async {
///     Ok::<_, BoxError>(diyalog::AgentVerdict::validated("7"))
/// });
/// let endpoints = Endpoints::new()
///     .with(VerifyLayer::new(diyalog::CustomerEndpoint::new(), customers))?
///     .with(VerifyLayer::new(diyalog::AgentEndpoint::new(), agents).path("/v1/CheckToken")?)?;
///
/// let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app"))) });
/// let app = ServiceBuilder::new().layer(endpoints).service(app);
/// let request = Request::get("/v1/CheckToken?sessionId=1&userId=2&token=3").body(String::new())?;
/// assert_eq!(app.oneshot(request).await?.headers()["content-type"], "application/json");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[must_use]
#[derive(Clone)]
pub struct Endpoints<L = ()> {
    list: L,
    routes: Arc<Routes>,
    observer: Option<Arc<dyn Observer>>,
}

/// A list of endpoints `L` and one more: the type parameter of [`Endpoints`] after [`with`](Endpoints::with).
pub type And<L, E, V> = (L, VerifyLayer<E, V>);

impl Endpoints {
    /// A layer without endpoints.
    pub fn new() -> Self {
        Self { list: (), routes: Arc::default(), observer: None }
    }

    /// A layer without endpoints, with an observer for those that have none of their own: see
    /// [`VerifyLayer::observer`].
    pub fn observed_by(observer: impl Observer) -> Self {
        Self { observer: Some(Arc::new(observer)), ..Self::new() }
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::new()
    }
}

impl<L> Endpoints<L> {
    /// Adds an endpoint.
    ///
    /// # Errors
    /// If an endpoint that was added before has the same path and one of the same methods: it would take the requests
    /// of this one. A route with a [predicate](crate::Route::when) takes only the requests that match it, so a later
    /// route can have the same path.
    pub fn with<E, V>(self, mut endpoint: VerifyLayer<E, V>) -> Result<Endpoints<And<L, E, V>>, ConfigError>
    where
        E: Endpoint,
        V: Verifier<E::Credential>,
    {
        let Self { list, mut routes, observer } = self;
        let route = endpoint.present_route();
        if routes.as_slice().iter().any(|earlier| earlier.hides(route)) {
            return Err(ConfigError::new(format!(
                "two endpoints have the same route, so give one of them another path: {route:?}"
            )));
        }
        Arc::make_mut(&mut routes).push(route.clone());
        if let Some(observer) = &observer {
            endpoint.observe_by_default(observer);
        }
        Ok(Endpoints { list: (list, endpoint), routes, observer })
    }

    /// The routes, in the order of the list.
    #[inline(always)]
    pub(super) fn routes(&self) -> &Routes {
        &self.routes
    }

    #[inline(always)]
    pub(super) fn respond<B>(&self, index: usize, request: Request<B>) -> Concluding<Response<Bytes>>
    where
        L: Respond<B>,
    {
        self.list.respond(index, request)
    }
}

impl<E, V> Endpoints<VerifyLayer<E, V>> {
    pub(super) fn one(endpoint: VerifyLayer<E, V>) -> Self {
        let mut routes = Routes::default();
        routes.push(endpoint.present_route().clone());
        Self { list: endpoint, routes: Arc::new(routes), observer: None }
    }
}

impl<S, L: Clone> Layer<S> for Endpoints<L> {
    type Service = Verify<S, L>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, Arc::new(self.clone()))
    }
}

impl<L> fmt::Debug for Endpoints<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// Endpoints by index: a single one, or a list in the order in which they were added.
pub trait Respond<B> {
    /// The number of endpoints.
    const LENGTH: usize;

    /// Starts the response of the endpoint with this index.
    fn respond(&self, index: usize, request: Request<B>) -> Concluding<Response<Bytes>>;
}

impl<B, E, V> Respond<B> for VerifyLayer<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    B: Body + Send + 'static,
{
    const LENGTH: usize = 1;

    #[inline(always)]
    fn respond(&self, _: usize, request: Request<B>) -> Concluding<Response<Bytes>> {
        self.start(request)
    }
}

impl<B, L: Respond<B>, E, V> Respond<B> for And<L, E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    B: Body + Send + 'static,
{
    const LENGTH: usize = L::LENGTH + 1;

    fn respond(&self, index: usize, request: Request<B>) -> Concluding<Response<Bytes>> {
        if index == L::LENGTH { self.1.start(request) } else { self.0.respond(index, request) }
    }
}

impl<B> Respond<B> for () {
    const LENGTH: usize = 0;

    fn respond(&self, _: usize, _: Request<B>) -> Concluding<Response<Bytes>> {
        unreachable!("an index is within the list")
    }
}
