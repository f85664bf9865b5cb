use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL},
};
use http_body::Body;
use http_body_util::Empty;
use tower_service::Service;

use super::{
    ResponseBody, ResponseFuture,
    check::{Check, NO_STORE},
};
use crate::{Endpoint, Verifier};

/// A service with one endpoint added to it: made by [`VerifyLayer`](crate::VerifyLayer).
///
/// A request for the endpoint is answered here; any other is handed to the inner service unchanged. Its errors are the
/// inner service's: nothing that can go wrong with a credential is one.
pub struct Verify<S, E, V> {
    inner: S,
    check: Option<Arc<Check<E, V>>>,
}

impl<S, E, V> Verify<S, E, V> {
    pub(super) fn new(inner: S, check: Option<Arc<Check<E, V>>>) -> Self {
        Self { inner, check }
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
        match &self.check {
            Some(check) if check.route.matches(&request) => ResponseFuture::answer(check.respond(request)),
            _ => ResponseFuture::inner(self.inner.call(request)),
        }
    }
}

impl<S: Clone, E, V> Clone for Verify<S, E, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), check: self.check.clone() }
    }
}

impl<S: fmt::Debug, E, V> fmt::Debug for Verify<S, E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// One endpoint as a service of its own: made by [`VerifyLayer::into_service`](crate::VerifyLayer::into_service).
///
/// It does not look at the path, which the router has matched already. Another method than the endpoint's is answered
/// with `405`, and everything with `404` if the layer was not [enabled](crate::VerifyLayer::enabled).
pub struct VerifyService<E, V> {
    check: Option<Arc<Check<E, V>>>,
}

impl<E, V> VerifyService<E, V> {
    pub(super) fn new(check: Option<Arc<Check<E, V>>>) -> Self {
        Self { check }
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
        match self.check.as_ref().map(|check| (check, check.route.method())) {
            Some((check, method)) if request.method() == method => {
                return ResponseFuture::answer(check.respond(request));
            }
            Some((_, method)) => {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                let allow =
                    HeaderValue::from_str(method.as_str()).expect("a method is a token, and so a header's value");
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
        Self { check: self.check.clone() }
    }
}

impl<E, V> fmt::Debug for VerifyService<E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService").finish_non_exhaustive()
    }
}
