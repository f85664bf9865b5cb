use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL},
    request::Parts,
};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{
    Endpoints, ResponseFuture,
    admission::Admission,
    conclusion::{Conclusion, Forwarded, NO_STORE, VerdictOf, uncached},
    endpoints::Respond,
};
use crate::{Endpoint, Verifier};

/// The conclusion of an endpoint: a response, whatever the outcome.
pub(super) struct EndpointConclusion;

impl<E: Endpoint, B> Conclusion<E, B> for EndpointConclusion {
    const KEEPS: bool = false;
    type Kept = ();
    type Output = Response<Bytes>;

    fn keep(_head: &Parts, _body: Forwarded<B>) {}

    fn admitted(endpoint: &E, verdict: VerdictOf<E>, context: E::Context, (): ()) -> Response<Bytes> {
        uncached(endpoint.admitted(verdict, context))
    }

    fn refused(response: Response<Bytes>) -> Response<Bytes> {
        response
    }

    fn status(response: &Response<Bytes>) -> Option<StatusCode> {
        Some(response.status())
    }
}

/// A service with endpoints added to it: made by [`VerifyLayer`](crate::VerifyLayer) or [`Endpoints`].
///
/// It responds to the endpoints' requests and passes any other request to the inner service unchanged. Its errors are
/// those of the inner service.
///
/// The inner service's response body must be `From<Bytes>`, as `axum::body::Body` and `http_body_util::Full<Bytes>`
/// are. For any other body, see [`ResponseBody`](super::ResponseBody).
///
/// `axum::serve` needs a service of connections, but this is a service of requests. `into_make_service` of
/// [`axum::ServiceExt`](https://docs.rs/axum/0.8/axum/trait.ServiceExt.html) wraps it:
///
/// ```no_run
/// use axum::{Router, ServiceExt, extract::Request, routing::get};
/// use tokio::net::TcpListener;
/// use tower::Layer;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     verifier_fn,
/// };
///
/// #[tokio::main]
/// async fn main() -> Result<(), BoxError> {
///     let nobody = verifier_fn(|_: http::Request<CustomerToken>| async {
///         Ok::<_, BoxError>(CustomerVerdict::InvalidToken)
///     });
///     let router: Router = Router::new().route("/", get(|| async { "the app" }));
///     let app = VerifyLayer::new(CustomerEndpoint::new(), nobody).layer(router);
///
///     let listener = TcpListener::bind("127.0.0.1:3000").await?;
///     axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await?;
///     Ok(())
/// }
/// ```
#[must_use]
pub struct Verify<S, L> {
    inner: S,
    endpoints: Arc<Endpoints<L>>,
}

impl<S, L> Verify<S, L> {
    pub(super) fn new(inner: S, endpoints: Arc<Endpoints<L>>) -> Self {
        Self { inner, endpoints }
    }

    /// A reference to the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// A mutable reference to the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, L, ReqBody, ResBody> Service<Request<ReqBody>> for Verify<S, L>
// For `axum::serve`, wrap it: `axum::ServiceExt::<axum::extract::Request>::into_make_service(verify.layer(router))`.
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    L: Respond<ReqBody>,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.endpoints.routes().may_have(request.uri()) {
            self.respond_or_pass(request)
        } else {
            ResponseFuture::inner(self.inner.call(request))
        }
    }
}

impl<S, L> Verify<S, L> {
    /// Out of line, so that requests that pass through do not pay for it.
    #[inline(never)]
    fn respond_or_pass<ReqBody>(&mut self, request: Request<ReqBody>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<ReqBody>>,
        L: Respond<ReqBody>,
    {
        match self.endpoints.routes().find(&request) {
            Some(index) => ResponseFuture::answer(self.endpoints.respond(index, request)),
            None => ResponseFuture::inner(self.inner.call(request)),
        }
    }
}

impl<S: Clone, L> Clone for Verify<S, L> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), endpoints: Arc::clone(&self.endpoints) }
    }
}

impl<S: fmt::Debug, L> fmt::Debug for Verify<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("inner", &self.inner).field("endpoints", &self.endpoints).finish()
    }
}

/// One endpoint as a service of its own: made by [`VerifyLayer::into_service`](crate::VerifyLayer::into_service).
///
/// It ignores the path, which the router has matched already. A request with a method that the endpoint does not have
/// gets `405`.
///
/// ```
/// use axum::Router;
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     verifier_fn,
/// };
///
/// let everybody = verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
/// let endpoint = VerifyLayer::new(CustomerEndpoint::new(), everybody).into_service();
/// let app: Router = Router::new().route_service("/partners/bank", endpoint);
///
/// # futures::executor::block_on(async {
/// let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
/// assert_eq!(app.clone().oneshot(Request::post("/partners/bank").body(call.to_owned())?).await?.status(), 200);
/// assert_eq!(app.oneshot(Request::get("/partners/bank").body(String::new())?).await?.status(), 405);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[must_use]
pub struct VerifyService<E, V> {
    admission: Arc<Admission<E, V>>,
}

impl<E, V> VerifyService<E, V> {
    pub(super) fn new(admission: Arc<Admission<E, V>>) -> Self {
        Self { admission }
    }
}

impl<E, V, ReqBody> Service<Request<ReqBody>> for VerifyService<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    ReqBody: Body + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture<Ready<Result<Response<Full<Bytes>>, Infallible>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let route = &self.admission.route;
        if route.allows(request.method()) {
            return ResponseFuture::answer(self.admission.start::<EndpointConclusion, _>(request));
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let methods: Vec<_> = route.allowed().iter().map(Method::as_str).collect();
        let allow = HeaderValue::try_from(methods.join(", ")).expect("methods are tokens");
        response.headers_mut().insert(ALLOW, allow);
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        ResponseFuture::inner(ready(Ok(response)))
    }
}

impl<E, V> Clone for VerifyService<E, V> {
    fn clone(&self) -> Self {
        Self { admission: Arc::clone(&self.admission) }
    }
}

impl<E, V> fmt::Debug for VerifyService<E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService").finish_non_exhaustive()
    }
}
