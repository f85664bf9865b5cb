use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::layer::Read;

/// The body of a call that came through a [`Guard`](crate::talkdesk::Guard): its bytes as they came, and its trailers.
///
/// It was read to its end before the call was handed on, so it cannot fail any more and knows its exact size.
pub struct GuardedBody {
    data: Bytes,
    trailers: Option<HeaderMap>,
}

impl GuardedBody {
    pub(super) fn new(read: Read) -> Self {
        Self { data: read.data, trailers: read.trailers }
    }
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = if self.data.is_empty() {
            self.trailers.take().map(Frame::trailers)
        } else {
            Some(Frame::data(std::mem::take(&mut self.data)))
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len() as u64)
    }
}

impl fmt::Debug for GuardedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use static_assertions::assert_impl_all;

    use super::*;

    assert_impl_all!(GuardedBody: Send, Sync, Unpin, Body, fmt::Debug);

    #[test]
    fn it_replays_data_then_trailers_with_exact_hints() {
        let mut trailers = HeaderMap::new();
        trailers.insert("checksum", 1.into());
        let data = Bytes::from_static(b"{}");
        let mut body = GuardedBody::new(Read { data, trailers: Some(trailers.clone()) });
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(2), false));
        let next = |body: &mut GuardedBody| body.frame().now_or_never().unwrap().map(Result::unwrap);
        assert_eq!(next(&mut body).unwrap().into_data().unwrap(), "{}");
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), false), "the trailers are to come");
        assert_eq!(next(&mut body).unwrap().into_trailers().unwrap(), trailers);
        assert!(next(&mut body).is_none());
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        assert!(GuardedBody::new(Read { data: Bytes::new(), trailers: None }).is_end_stream());
    }
}
