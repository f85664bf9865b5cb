use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::GuardedBody;
use crate::layer::ResponseBody;

type Admission = Pin<Box<dyn Future<Output = Result<Request<GuardedBody>, Response<Bytes>>> + Send>>;

pin_project! {
    /// The response future of [`Guard`](crate::talkdesk::Guard): `S` is the inner service and `F` its future.
    pub struct ResponseFuture<S, F> {
        #[pin]
        kind: Kind<S, F>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<S, F> {
        Checking {
            admission: Admission,
            inner: S,
        },
        Admitted {
            #[pin]
            future: F,
        },
    }
}

impl<S, F> ResponseFuture<S, F> {
    /// `inner` is ready, and is called if the request is admitted.
    pub(super) fn new(
        inner: S,
        admission: impl Future<Output = Result<Request<GuardedBody>, Response<Bytes>>> + Send + 'static,
    ) -> Self {
        Self { kind: Kind::Checking { admission: Box::pin(admission), inner } }
    }
}

impl<S, B> Future for ResponseFuture<S, S::Future>
where
    S: Service<Request<GuardedBody>, Response = Response<B>>,
{
    type Output = Result<Response<ResponseBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.kind.as_mut().project() {
                KindProj::Checking { admission, inner } => match ready!(admission.as_mut().poll(cx)) {
                    Ok(request) => {
                        let future = inner.call(request);
                        this.kind.set(Kind::Admitted { future });
                    }
                    Err(answer) => return Poll::Ready(Ok(answer.map(ResponseBody::answer))),
                },
                KindProj::Admitted { future } => {
                    return Poll::Ready(ready!(future.poll(cx)).map(|response| response.map(ResponseBody::inner)));
                }
            }
        }
    }
}

impl<S, F> fmt::Debug for ResponseFuture<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
