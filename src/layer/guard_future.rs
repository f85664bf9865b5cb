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

use super::{GuardedBody, conclusion::Concluding};

type Admitting<B> = Concluding<Result<Request<GuardedBody<B>>, Response<Bytes>>>;

pin_project! {
    /// The response future of [`Guard`](crate::Guard).
    ///
    /// `S` is the inner service, `B` the request's body and `F` the inner service's future.
    pub struct GuardFuture<S, B, F> {
        #[pin]
        step: Step<S, B, F>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<S, B, F> {
        Admitting {
            admitting: Admitting<B>,
            inner: Option<S>,
        },
        GettingReady {
            inner: S,
            request: Option<Request<GuardedBody<B>>>,
        },
        Calling {
            #[pin]
            future: F,
        },
    }
}

impl<S, B, F> GuardFuture<S, B, F> {
    /// Calls `inner` if the request is admitted.
    pub(super) fn admit(inner: S, admitting: Admitting<B>) -> Self {
        Self { step: Step::Admitting { admitting, inner: Some(inner) } }
    }

    /// Calls `inner` with a request that is not guarded.
    pub(super) fn pass(inner: S, request: Request<GuardedBody<B>>) -> Self {
        Self { step: Step::GettingReady { inner, request: Some(request) } }
    }
}

impl<S, B, R> Future for GuardFuture<S, B, S::Future>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    R: From<Bytes>,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let next = match step.as_mut().project() {
                StepProj::Admitting { admitting, inner } => match ready!(admitting.as_mut().poll(cx)) {
                    Ok(request) => {
                        let inner = inner.take().expect("a request is admitted once");
                        Step::GettingReady { inner, request: Some(request) }
                    }
                    Err(response) => return Poll::Ready(Ok(response.map(R::from))),
                },
                StepProj::GettingReady { inner, request } => {
                    ready!(inner.poll_ready(cx))?;
                    let request = request.take().expect("the inner service is called once");
                    Step::Calling { future: inner.call(request) }
                }
                StepProj::Calling { future } => return future.poll(cx),
            };
            step.set(next);
        }
    }
}

impl<S, B, F> fmt::Debug for GuardFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}
