use std::{
    fmt,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{GuardedBody, ResponseFuture, check::Check};
use crate::{
    Verifier,
    layer::ResponseBody,
    talkdesk::{Call, Fields},
};

/// A service that only verified calls reach: made by [`GuardLayer`](crate::talkdesk::GuardLayer).
///
/// Its errors are the inner service's: nothing that can go wrong with a credential is one.
pub struct Guard<S, C, V> {
    inner: S,
    check: Arc<Check<V>>,
    call: PhantomData<fn() -> C>,
}

impl<S, C, V> Guard<S, C, V> {
    pub(super) fn new(inner: S, check: Check<V>) -> Self {
        Self { inner, check: Arc::new(check), call: PhantomData }
    }
}

impl<S, P, A, V, ReqBody, ResBody> Service<Request<ReqBody>> for Guard<S, Call<P, A>, V>
where
    S: Service<Request<GuardedBody>, Response = Response<ResBody>> + Clone,
    P: Clone + Send + Sync + 'static,
    A: Fields,
    V: Verifier<Call<P, A>>,
    ReqBody: Body + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // The one that was polled ready goes with the request; its clone was not.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::new(ready, Arc::clone(&self.check).admit::<P, A, _>(request))
    }
}

impl<S: Clone, C, V> Clone for Guard<S, C, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), check: Arc::clone(&self.check), call: PhantomData }
    }
}

impl<S: fmt::Debug, C, V> fmt::Debug for Guard<S, C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("inner", &self.inner).finish_non_exhaustive()
    }
}
