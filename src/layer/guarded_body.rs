use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{conclusion::Forwarded, read::Read};

pin_project! {
    /// The body of a request that passed a [`Guard`](crate::Guard): its bytes and trailers as they arrived.
    ///
    /// If the guard has read it, it knows its exact size and cannot fail; otherwise it is the original body.
    ///
    /// The app reads it as any other body:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::{BodyExt, Full};
    /// use tower::{ServiceBuilder, ServiceExt, service_fn};
    /// use tower_verify::{
    ///     BoxError, GuardLayer,
    ///     layer::GuardedBody,
    ///     talkdesk::{Call, CallVerdict, LaterCalls},
    ///     verifier_fn,
    /// };
    ///
    /// async fn echo(request: Request<GuardedBody<String>>) -> Result<Response<Full<Bytes>>, BoxError> {
    ///     let body = request.into_body().collect().await?.to_bytes();
    ///     Ok(Response::new(Full::new(body)))
    /// }
    ///
    /// let everybody = verifier_fn(|_: Request<Call<u32>>| async { Ok::<_, BoxError>(CallVerdict::Verified(12)) });
    /// let app = ServiceBuilder::new().layer(GuardLayer::new(LaterCalls::new(), everybody)).service_fn(echo);
    ///
    /// # futures::executor::block_on(async {
    /// let call = r#"{"auth": {"token": "123456789"}, "meta": {}}"#;
    /// let response = app.oneshot(Request::post("/contacts").body(call.to_owned())?).await?;
    /// assert_eq!(response.into_body().collect().await?.to_bytes(), call);
    /// # Ok::<(), BoxError>(()) }).unwrap();
    /// ```
    pub struct GuardedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Read {
            read: Read,
        },
        Unread {
            #[pin]
            body: B,
        },
    }
}

impl<B> GuardedBody<B> {
    pub(super) fn unread(body: B) -> Self {
        Self { kind: Kind::Unread { body } }
    }
}

impl<B> From<Forwarded<B>> for GuardedBody<B> {
    fn from(body: Forwarded<B>) -> Self {
        match body {
            Forwarded::Read(read) => Self { kind: Kind::Read { read } },
            Forwarded::Unread(body) => Self::unread(body),
        }
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Unread { body } => body.poll_frame(cx),
            KindProj::Read { read } if read.data.is_empty() => {
                Poll::Ready(read.trailers.take().map(|trailers| Ok(Frame::trailers(*trailers))))
            }
            KindProj::Read { read } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut read.data).into())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Read { read } => read.data.is_empty() && read.trailers.is_none(),
            Kind::Unread { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Read { read } => SizeHint::with_exact(read.data.len() as u64),
            Kind::Unread { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http::HeaderMap;
    use http_body_util::{BodyExt, Empty, Full};
    use static_assertions::assert_impl_all;

    use super::*;

    assert_impl_all!(GuardedBody<Full<Bytes>>: Send, Sync, Unpin, Body, fmt::Debug);

    fn read(data: &'static [u8], trailers: Option<HeaderMap>) -> GuardedBody<Empty<Bytes>> {
        Forwarded::Read(Read { data: Bytes::from_static(data), trailers: trailers.map(Box::new) }).into()
    }

    #[test]
    fn it_replays_data_then_trailers_with_exact_hints() {
        let mut trailers = HeaderMap::new();
        trailers.insert("checksum", 1.into());
        let mut body = read(b"{}", Some(trailers.clone()));
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(2), false));
        let next = |body: &mut GuardedBody<_>| body.frame().now_or_never().unwrap().map(Result::unwrap);
        assert_eq!(next(&mut body).unwrap().into_data().unwrap(), "{}");
        assert_eq!(
            (body.size_hint().exact(), body.is_end_stream()),
            (Some(0), false),
            "the trailers are still to come"
        );
        assert_eq!(next(&mut body).unwrap().into_trailers().unwrap(), trailers);
        assert!(next(&mut body).is_none());
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        assert!(read(b"", None).is_end_stream());
    }

    #[test]
    fn an_unread_body_is_the_original() {
        let body = GuardedBody::unread(Full::new(Bytes::from_static(b"abc")));
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
        assert_eq!(body.collect().now_or_never().unwrap().unwrap().to_bytes(), "abc");
    }
}
