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
use http_body_util::Empty;
use tower_service::Service;

use super::{
    ResponseBody, ResponseFuture,
    admission::{Admission, Conclusion, Forwarded, NO_STORE, VerdictOf, uncached},
};
use crate::{Endpoint, Verifier};

/// The conclusion of an endpoint: a response, whatever the outcome.
struct Respond;

impl<E: Endpoint, B> Conclusion<E, B> for Respond {
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
}

/// A service with one endpoint added to it: made by [`VerifyLayer`](crate::VerifyLayer).
///
/// It responds to the endpoint's requests and passes any other one to the inner service unchanged. Its errors are the
/// inner service's own.
#[must_use]
pub struct Verify<S, E, V> {
    inner: S,
    admission: Arc<Admission<E, V>>,
}

impl<S, E, V> Verify<S, E, V> {
    pub(super) fn new(inner: S, admission: Arc<Admission<E, V>>) -> Self {
        Self { inner, admission }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, E, V, ReqBody, ResBody> Service<Request<ReqBody>> for Verify<S, E, V>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    E: Endpoint,
    V: Verifier<E::Credential>,
    ReqBody: Body + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let route = &self.admission.route;
        match route.single_method() {
            Some(method) if route.has_path(request.uri()) && *request.method() == *method => {
                ResponseFuture::answer(self.admission.start::<Respond, _>(request))
            }
            Some(_) => ResponseFuture::inner(self.inner.call(request)),
            None => self.call_by_any_route(request),
        }
    }
}

impl<S, E, V> Verify<S, E, V> {
    /// Stays out of line: a predicate is opaque to the compiler, so the request would be copied once a layer.
    #[inline(never)]
    fn call_by_any_route<ReqBody, ResBody>(&mut self, request: Request<ReqBody>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        E: Endpoint,
        V: Verifier<E::Credential>,
        ReqBody: Body + Send + 'static,
    {
        if self.admission.route.matches(&request) {
            ResponseFuture::answer(self.admission.start::<Respond, _>(request))
        } else {
            ResponseFuture::inner(self.inner.call(request))
        }
    }
}

impl<S: Clone, E, V> Clone for Verify<S, E, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), admission: Arc::clone(&self.admission) }
    }
}

impl<S: fmt::Debug, E, V> fmt::Debug for Verify<S, E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// One endpoint as a service of its own: made by [`VerifyLayer::into_service`](crate::VerifyLayer::into_service).
///
/// It ignores the path, which the router has matched already. A method that the endpoint does not have gets `405`, and
/// every request gets `404` if the layer was not [enabled](crate::VerifyLayer::enabled).
#[must_use]
pub struct VerifyService<E, V> {
    admission: Option<Arc<Admission<E, V>>>,
}

impl<E, V> VerifyService<E, V> {
    pub(super) fn new(admission: Option<Arc<Admission<E, V>>>) -> Self {
        Self { admission }
    }
}

impl<E, V, ReqBody> Service<Request<ReqBody>> for VerifyService<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    ReqBody: Body + Send + 'static,
{
    type Response = Response<ResponseBody<Empty<Bytes>>>;
    type Error = Infallible;
    type Future = ResponseFuture<Ready<Result<Response<Empty<Bytes>>, Infallible>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let mut response = Response::new(Empty::new());
        match &self.admission {
            Some(admission) if admission.route.allows(request.method()) => {
                return ResponseFuture::answer(admission.start::<Respond, _>(request));
            }
            Some(admission) => {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                let methods: Vec<_> = admission.route.allowed().iter().map(Method::as_str).collect();
                let allow = HeaderValue::try_from(methods.join(", ")).expect("methods are tokens");
                response.headers_mut().insert(ALLOW, allow);
            }
            None => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        ResponseFuture::inner(ready(Ok(response)))
    }
}

impl<E, V> Clone for VerifyService<E, V> {
    fn clone(&self) -> Self {
        Self { admission: self.admission.clone() }
    }
}

impl<E, V> fmt::Debug for VerifyService<E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService").finish_non_exhaustive()
    }
}
