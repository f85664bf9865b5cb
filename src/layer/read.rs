use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;

use super::settings::{Buffer, Share};
use crate::{Failure, Rejection};

/// The most frames that are read without a pause. A server's frames have some KiB each, so most bodies have fewer.
const FRAMES_AT_ONCE: usize = 128;

/// A body that was read to the end of its data.
#[derive(Default)]
pub(super) struct Read {
    pub(super) data: Bytes,
    /// They are rare, and inline they would be moved with every body.
    pub(super) trailers: Option<Box<HeaderMap>>,
}

/// Why a body was not read to its end.
pub(super) enum ReadError {
    Rejected(Rejection),
    Failed(Failure),
}

/// Reads a body up to a limit, whether its length is announced or not. A body in one frame of `Bytes` is not copied.
#[derive(Default)]
pub(super) struct Reader {
    first: Bytes,
    all: Option<BytesMut>,
    /// A share of the bytes that all requests may hold. There is none until the body is pending.
    share: Option<Share>,
}

impl Reader {
    #[inline]
    pub(super) fn poll_read<B: Body>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
        limit: usize,
        buffer: &Arc<Buffer>,
    ) -> Poll<Result<Read, ReadError>> {
        let overloaded = || Poll::Ready(Err(ReadError::Failed(Failure::overloaded())));
        let too_large = || Poll::Ready(Err(ReadError::Rejected(Rejection::too_large(limit))));
        let mut trailers = None;
        let mut frames = 0;
        while !body.is_end_stream() {
            // A body that is always ready must not delay the deadline and the other tasks of this thread.
            if frames == FRAMES_AT_ONCE {
                cx.waker().wake_by_ref();
                return if self.grow_share(buffer) { Poll::Pending } else { overloaded() };
            }
            frames += 1;
            let left = limit - self.len();
            if body.size_hint().lower() > left as u64 {
                return too_large();
            }
            match body.as_mut().poll_frame(cx) {
                Poll::Pending if self.grow_share(buffer) => return Poll::Pending,
                Poll::Pending => return overloaded(),
                Poll::Ready(None) => break,
                Poll::Ready(Some(Err(_))) => {
                    let rejection = Rejection::malformed("the body ended before it was complete");
                    return Poll::Ready(Err(ReadError::Rejected(rejection)));
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.remaining() > left => return too_large(),
                    Ok(data) => self.put(data),
                    Err(frame) => {
                        trailers = frame.into_trailers().ok().map(Box::new);
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

    /// Counts the memory that is held while the body is pending. Returns `false` if there is no room.
    fn grow_share(&mut self, buffer: &Arc<Buffer>) -> bool {
        let held = self.all.as_ref().map_or(self.first.len(), BytesMut::capacity);
        held == 0 || self.share.get_or_insert_with(|| Share::new(buffer)).grow(held)
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
    use std::{convert::Infallible, future::poll_fn, io, pin::pin, task::Waker};

    use futures_util::{FutureExt, StreamExt, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;
    use crate::{FailureKind, RejectionKind};

    fn read<B: Body>(body: B, limit: usize) -> Result<Read, ReadError> {
        let (mut body, mut reader, buffer) = (pin!(body), Reader::default(), Arc::new(Buffer::new(usize::MAX)));
        let read = poll_fn(|cx| reader.poll_read(body.as_mut(), cx, limit, &buffer));
        read.now_or_never().expect("nothing is pending")
    }

    fn read_now<B: Body>(body: B, limit: usize) -> Result<Bytes, RejectionKind> {
        match read(body, limit) {
            Ok(read) => Ok(read.data),
            Err(ReadError::Rejected(rejection)) => Err(rejection.kind()),
            Err(ReadError::Failed(failure)) => panic!("{failure}"),
        }
    }

    fn frames(frames: &[&'static [u8]]) -> impl Body<Data = Bytes, Error = Infallible> + use<> {
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
    fn a_body_that_is_always_ready_is_read_with_pauses() {
        let mut polled = 0;
        let frames = stream::repeat_with(|| {
            polled += 1;
            Ok::<_, Infallible>(Frame::data(Bytes::new()))
        });
        let (mut body, mut reader) = (pin!(StreamBody::new(frames)), Reader::default());
        let buffer = Arc::new(Buffer::new(9));
        for _ in 0..3 {
            assert!(poll_fn(|cx| reader.poll_read(body.as_mut(), cx, 9, &buffer)).now_or_never().is_none());
        }
        assert_eq!(polled, 3 * FRAMES_AT_ONCE);
    }

    #[test]
    fn many_frames_are_read_to_the_end() {
        let mut reader = Reader::default();
        let mut body = pin!(frames(&[&b"x"[..]; 1000]));
        let (mut cx, buffer) = (Context::from_waker(Waker::noop()), Arc::new(Buffer::new(2000)));
        let read = loop {
            if let Poll::Ready(read) = reader.poll_read(body.as_mut(), &mut cx, 1000, &buffer) {
                break read;
            }
        };
        assert_eq!(read.ok().unwrap().data, [b'x'; 1000][..]);
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
        let read = read(StreamBody::new(stream::iter(frames)), 9).ok().unwrap();
        assert_eq!(read.data, "12");
        assert_eq!(read.trailers.as_deref(), Some(&trailers));
    }

    #[test]
    fn pending_bodies_share_one_buffer() {
        let slow = || {
            let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"12345")))];
            Box::pin(StreamBody::new(stream::iter(frames).chain(stream::pending())))
        };
        let buffer = Arc::new(Buffer::new(9));
        fn poll(
            reader: &mut Reader,
            body: &mut Pin<Box<impl Body>>,
            buffer: &Arc<Buffer>,
        ) -> Option<Result<Read, ReadError>> {
            poll_fn(|cx| reader.poll_read(body.as_mut(), cx, 100, buffer)).now_or_never()
        }
        let (mut first, mut second) = (Reader::default(), Reader::default());
        assert!(poll(&mut first, &mut slow(), &buffer).is_none());
        let Some(Err(ReadError::Failed(failure))) = poll(&mut second, &mut slow(), &buffer) else {
            panic!("it has no room")
        };
        assert_eq!(failure.kind(), FailureKind::Overloaded);
        drop((first, second));
        assert!(poll(&mut Reader::default(), &mut slow(), &buffer).is_none(), "the first one gave its share back");
    }
}
