use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::conclusion::Concluding;

type Answering = Concluding<Response<Bytes>>;

pin_project! {
    /// The response future of [`Verify`](crate::Verify).
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F> {
        Inner {
            #[pin]
            future: F,
        },
        Answering {
            future: Answering,
        },
    }
}

impl<F> ResponseFuture<F> {
    #[inline(always)]
    pub(super) fn inner(future: F) -> Self {
        Self { kind: Kind::Inner { future } }
    }

    pub(super) fn answer(future: Answering) -> Self {
        Self { kind: Kind::Answering { future } }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: From<Bytes>,
{
    type Output = Result<Response<B>, E>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Inner { future } => future.poll(cx),
            KindProj::Answering { future } => Poll::Ready(Ok(ready!(future.as_mut().poll(cx)).map(B::from))),
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::Ready};

    use http_body_util::Full;

    use super::*;

    type Boxed = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

    /// The future is moved whenever a request passes a layer.
    #[test]
    fn a_layer_adds_a_word_to_a_future_and_a_further_one_nothing() {
        let word = size_of::<usize>();
        assert_eq!(size_of::<ResponseFuture<Boxed>>(), size_of::<Boxed>() + word);
        assert_eq!(size_of::<ResponseFuture<ResponseFuture<Boxed>>>(), size_of::<Boxed>() + word);
        // If the inner future has an unused value that can mark the variant, it adds nothing at all.
        type Now = Ready<Result<Response<Full<Bytes>>, Infallible>>;
        assert_eq!(size_of::<ResponseFuture<Now>>(), size_of::<Now>());
    }
}
