use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;

use crate::Rejection;

/// A body that was read to the end of its data.
pub(crate) struct Read {
    pub(crate) data: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Reads `body` as long as it has at most `limit` bytes, announced or not. A body that comes in one frame of `Bytes` is
/// not copied.
pub(crate) async fn read<B: Body>(mut body: Pin<&mut B>, limit: usize) -> Result<Read, Rejection> {
    let mut reader = Reader::new(limit);
    poll_fn(|cx| reader.poll_read(body.as_mut(), cx)).await
}

/// The state of [`read`] between two polls.
pub(super) struct Reader {
    limit: usize,
    first: Bytes,
    all: Option<BytesMut>,
}

impl Reader {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, first: Bytes::new(), all: None }
    }

    pub(super) fn poll_read<B: Body>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Read, Rejection>> {
        let mut trailers = None;
        while !body.is_end_stream() {
            if body.size_hint().lower() > (self.limit - self.len()) as u64 {
                return Poll::Ready(Err(Rejection::too_large(self.limit)));
            }
            match ready!(body.as_mut().poll_frame(cx)) {
                None => break,
                Some(Err(_)) => {
                    return Poll::Ready(Err(Rejection::malformed("the body ended before it was complete")));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.remaining() > self.limit - self.len() => {
                        return Poll::Ready(Err(Rejection::too_large(self.limit)));
                    }
                    Ok(data) => self.put(data),
                    Err(frame) => {
                        trailers = frame.into_trailers().ok();
                        break;
                    }
                },
            }
        }
        let first = std::mem::take(&mut self.first);
        Poll::Ready(Ok(Read { data: self.all.take().map_or(first, BytesMut::freeze), trailers }))
    }

    fn len(&self) -> usize {
        self.all.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn put(&mut self, mut data: impl Buf) {
        let length = data.remaining();
        if let Some(all) = &mut self.all {
            all.put(data);
        } else if self.first.is_empty() {
            self.first = data.copy_to_bytes(length);
        } else {
            let mut all = BytesMut::with_capacity(self.first.len() + length);
            all.put(std::mem::take(&mut self.first));
            all.put(data);
            self.all = Some(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, io, pin::pin};

    use futures_util::{FutureExt, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;
    use crate::RejectionKind;

    fn read_now<B: Body>(body: B, limit: usize) -> Result<Bytes, RejectionKind> {
        let body = pin!(body);
        let read = read(body, limit).now_or_never().expect("nothing is pending");
        read.map(|read| read.data).map_err(|rejection| rejection.kind())
    }

    fn frames(frames: &[&'static [u8]]) -> impl Body<Data = Bytes, Error = Infallible> {
        let frames: Vec<_> = frames.iter().map(|frame| Ok(Frame::data(Bytes::from_static(frame)))).collect();
        StreamBody::new(stream::iter(frames))
    }

    #[test]
    fn the_limit_is_inclusive_announced_or_not() {
        assert_eq!(read_now(Full::new(Bytes::from_static(b"12345")), 5).unwrap(), "12345");
        assert_eq!(read_now(Full::new(Bytes::from_static(b"123456")), 5), Err(RejectionKind::TooLarge));
        assert_eq!(read_now(frames(&[b"12", b"", b"34", b"5"]), 5).unwrap(), "12345");
        assert_eq!(read_now(frames(&[b"12", b"3456"]), 5), Err(RejectionKind::TooLarge));
        assert_eq!(read_now(frames(&[b"123456"]), 5), Err(RejectionKind::TooLarge));
        assert_eq!(read_now(frames(&[]), 0).unwrap(), "");
    }

    #[test]
    fn one_frame_is_not_copied() {
        let body = Bytes::from(vec![b'x'; 64]);
        let read = read_now(Full::new(body.clone()), 64).unwrap();
        assert_eq!(read.as_ptr(), body.as_ptr());
    }

    #[test]
    fn a_body_that_breaks_off_is_malformed() {
        let frames = [Ok(Frame::data(Bytes::from_static(b"12"))), Err(io::ErrorKind::ConnectionReset)];
        assert_eq!(read_now(StreamBody::new(stream::iter(frames)), 9), Err(RejectionKind::Malformed));
    }

    #[test]
    fn trailers_are_kept() {
        let mut trailers = HeaderMap::new();
        trailers.insert("checksum", "1".parse().unwrap());
        let frames =
            [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"12"))), Ok(Frame::trailers(trailers.clone()))];
        let body = pin!(StreamBody::new(stream::iter(frames)));
        let read = read(body, 9).now_or_never().unwrap().unwrap();
        assert_eq!(read.data, "12");
        assert_eq!(read.trailers, Some(trailers));
    }
}
