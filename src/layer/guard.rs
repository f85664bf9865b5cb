use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body;
use tower_service::Service;

use super::{
    GuardContract, GuardFuture, GuardedBody,
    admission::Admission,
    conclusion::{Conclusion, Forwarded, VerdictOf},
};
use crate::Verifier;

/// The conclusion of a guard: forwards the request, with the principal that the contract added to it, or refuses it.
struct Forward;

impl<C: GuardContract, B: Send> Conclusion<C, B> for Forward {
    const KEEPS: bool = true;
    type Kept = (Parts, GuardedBody<B>);
    type Output = Result<Request<GuardedBody<B>>, Response<Bytes>>;

    fn keep(head: &Parts, body: Forwarded<B>) -> Self::Kept {
        (head.clone(), body.into())
    }

    fn admitted(contract: &C, verdict: VerdictOf<C>, _: C::Context, (mut head, body): Self::Kept) -> Self::Output {
        contract.admitted(verdict, &mut head);
        Ok(Request::from_parts(head, body))
    }

    fn refused(response: Response<Bytes>) -> Self::Output {
        Err(response)
    }

    fn status(concluded: &Self::Output) -> Option<StatusCode> {
        concluded.as_ref().err().map(Response::status)
    }
}

/// A guarded service, which only admitted requests reach: made by [`GuardLayer`](crate::GuardLayer).
///
/// It is always ready. It clones the inner service for each request, and polls the clone ready after the request is
/// admitted. So a request that is not admitted never holds a permit of the inner service. Its errors are those of the
/// inner service.
///
/// The inner service's response body must be `From<Bytes>`, as `axum::body::Body` and `http_body_util::Full<Bytes>`
/// are. For any other body, see [`ResponseBody`](super::ResponseBody).
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, Guard, GuardLayer,
///     talkdesk::{Call, CallVerdict, LaterCalls},
///     verifier_fn,
/// };
///
/// let nobody = verifier_fn(|_: Request<Call<u32>>| async { Ok::<_, BoxError>(CallVerdict::Denied) });
/// let app = service_fn(|_: Request<_>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("contacts"))) });
/// let guard: Guard<_, _, _> = GuardLayer::new(LaterCalls::new(), nobody).layer(app);
///
/// # futures::executor::block_on(async {
/// let call = r#"{"auth": {"token": "123456789"}, "meta": {}}"#;
/// assert_eq!(guard.oneshot(Request::post("/contacts").body(call.to_owned())?).await?.status(), 401);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// To give it to `axum::serve`, wrap it as the example of [`Verify`](super::Verify) does.
#[must_use]
pub struct Guard<S, C, V> {
    inner: S,
    admission: Arc<Admission<C, V>>,
}

impl<S, C, V> Guard<S, C, V> {
    pub(super) fn new(inner: S, admission: Arc<Admission<C, V>>) -> Self {
        Self { inner, admission }
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

impl<S, C, V, ReqBody, ResBody> Service<Request<ReqBody>> for Guard<S, C, V>
// For `axum::serve`, wrap it: `axum::ServiceExt::<axum::extract::Request>::into_make_service(guard.layer(router))`.
where
    S: Service<Request<GuardedBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    C: GuardContract,
    V: Verifier<C::Credential>,
    ReqBody: Body + Send + 'static,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = GuardFuture<S, ReqBody, S::Future>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.admission.route.matches(&request) {
            GuardFuture::admit(self.inner.clone(), self.admission.start::<Forward, _>(request))
        } else {
            GuardFuture::pass(self.inner.clone(), request.map(GuardedBody::unread))
        }
    }
}

impl<S: Clone, C, V> Clone for Guard<S, C, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), admission: Arc::clone(&self.admission) }
    }
}

impl<S: fmt::Debug, C, V> fmt::Debug for Guard<S, C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("inner", &self.inner).finish_non_exhaustive()
    }
}
