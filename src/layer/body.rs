use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// Makes any response body `From<Bytes>`: it is either the body `B` or bytes.
    ///
    /// [`Verify`](crate::Verify) and [`Guard`](crate::Guard) respond with the body of the inner service, which must be
    /// `From<Bytes>`. If it is not, wrap it, for example with tower's `map_response`:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::{Empty, combinators::BoxBody};
    /// use tower::{ServiceBuilder, ServiceExt, service_fn};
    /// use tower_verify::{BoxError, VerifyLayer, diyalog, layer::ResponseBody, verifier_fn};
    ///
    /// let verifier = verifier_fn(|_: Request<diyalog::CustomerToken>| async {
    ///     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
    /// });
    /// let app = service_fn(|_: Request<Empty<Bytes>>| async {
    ///     Ok::<_, BoxError>(Response::new(BoxBody::new(Empty::<Bytes>::new())))
    /// });
    /// let app = ServiceBuilder::new()
    ///     .layer(VerifyLayer::new(diyalog::CustomerEndpoint::new(), verifier))
    ///     .map_response(|response: Response<_>| response.map(ResponseBody::new))
    ///     .service(app);
    /// # futures::executor::block_on(async {
    /// assert_eq!(app.oneshot(Request::new(Empty::new())).await?.status(), 200);
    /// # Ok::<(), BoxError>(()) }).unwrap();
    /// ```
    ///
    /// `B` keeps its error, its frames and trailers, and its size hint. The default is empty.
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Inner {
            #[pin]
            body: B,
        },
        Bytes {
            rest: Bytes,
        },
    }
}

impl<B> ResponseBody<B> {
    /// Wraps `body`.
    #[inline]
    pub fn new(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }
}

impl<B> From<Bytes> for ResponseBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self { kind: Kind::Bytes { rest: bytes } }
    }
}

impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Bytes::new().into()
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Inner { body } => Poll::Ready(ready!(body.poll_frame(cx))),
            KindProj::Bytes { rest } if rest.is_empty() => Poll::Ready(None),
            KindProj::Bytes { rest } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(rest).into())))),
        }
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Bytes { rest } => rest.is_empty(),
        }
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Bytes { rest } => SizeHint::with_exact(rest.len() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, rc::Rc};

    use futures_util::FutureExt;
    use http::HeaderMap;
    use http_body_util::{BodyExt, Empty, Full, StreamBody};
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(ResponseBody<Full<Bytes>>: Send, Sync, Unpin, Body, Default, fmt::Debug);
    assert_not_impl_any!(ResponseBody<Rc<()>>: Send, Sync);

    #[test]
    fn bytes_have_an_exact_size_before_and_after_they_are_read() {
        let mut body = ResponseBody::<Empty<Bytes>>::from(Bytes::from_static(b"Validated"));
        assert_eq!(body.size_hint().exact(), Some(9));
        assert!(!body.is_end_stream());
        let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "Validated");
        assert_eq!(body.size_hint().exact(), Some(0));
        assert!(body.is_end_stream());
        assert!(body.frame().now_or_never().unwrap().is_none());
    }

    #[test]
    fn the_default_is_empty_whatever_the_inner_body() {
        struct NoDefault;
        assert!(matches!(ResponseBody::<NoDefault>::default().kind, Kind::Bytes { rest } if rest.is_empty()));
    }

    #[test]
    fn frames_trailers_and_hints_of_the_inner_body_pass() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let frames =
            [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a"))), Ok(Frame::trailers(trailers.clone()))];
        let body = ResponseBody::new(StreamBody::new(futures_util::stream::iter(frames)));
        let collected = body.collect().now_or_never().unwrap().unwrap();
        assert_eq!(collected.trailers(), Some(&trailers));
        assert_eq!(collected.to_bytes(), "a");

        assert_eq!(ResponseBody::new(Full::new(Bytes::from_static(b"abc"))).size_hint().exact(), Some(3));
        assert!(ResponseBody::new(Empty::<Bytes>::new()).is_end_stream());
    }
}
