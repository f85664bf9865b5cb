//! A body in frames of any size, time and order.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use tower_verify::BoxError;

/// A body that follows a plan. A plan is repeated until all data is sent.
pub struct Frames {
    data: Bytes,
    plan: Vec<Step>,
    at: usize,
    ended: bool,
    /// Whether it tells its length and its end beforehand, as a body with a `Content-Length` does.
    announced: bool,
    /// The end of a body, after all data.
    last: Option<Step>,
}

/// The result of polling a body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    Data(usize),
    Empty,
    /// Not ready, and woken at once.
    Pending,
    Trailers,
    Error,
    Panic,
}

impl From<u8> for Step {
    fn from(byte: u8) -> Self {
        match byte {
            0..128 => Self::Data(usize::from(byte) + 1),
            128..160 => Self::Data(1024),
            160..200 => Self::Empty,
            200..248 => Self::Pending,
            248..252 => Self::Trailers,
            252..254 => Self::Error,
            254..=255 => Self::Panic,
        }
    }
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Complete,
    Broken,
}

impl Frames {
    /// The steps after which all data is sent at once, so that a plan without data ends.
    const MOST: usize = 1000;

    /// `last` is [`Step::Trailers`] or [`Step::Error`].
    pub fn new(data: Bytes, plan: Vec<Step>, announced: bool, last: Option<Step>) -> Self {
        // With trailers or an error in its plan, a body ends somewhere, and its length is not known.
        let announced = announced
            && last.is_none()
            && !plan.iter().any(|step| matches!(step, Step::Trailers | Step::Error | Step::Panic));
        Self { data, plan, at: 0, ended: false, announced, last }
    }

    /// All data that the body will send, and how it will end.
    pub fn foretold(&self) -> (Bytes, End) {
        let mut left = self.data.len();
        for at in 0.. {
            let sent = self.data.slice(..self.data.len() - left);
            match self.step(at) {
                _ if left == 0 => {
                    let breaks = matches!(self.last, Some(Step::Error));
                    return (sent, if breaks { End::Broken } else { End::Complete });
                }
                Step::Data(length) => left -= length.min(left),
                Step::Empty | Step::Pending => {}
                Step::Trailers => return (sent, End::Complete),
                Step::Error | Step::Panic => return (sent, End::Broken),
            }
        }
        unreachable!("a plan ends");
    }

    fn step(&self, at: usize) -> Step {
        match self.plan.get(at % self.plan.len().max(1)) {
            Some(step) if at < Self::MOST => *step,
            _ => Step::Data(usize::MAX),
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let step = match self.data.is_empty() {
            _ if self.ended => return Poll::Ready(None),
            false => self.step(self.at),
            true => match self.last {
                Some(step) => step,
                None => return Poll::Ready(None),
            },
        };
        self.at += 1;
        Poll::Ready(Some(match step {
            Step::Data(length) => {
                let length = length.min(self.data.len());
                Ok(Frame::data(self.data.split_to(length)))
            }
            Step::Empty => Ok(Frame::data(Bytes::new())),
            Step::Pending => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Step::Trailers => {
                self.ended = true;
                Ok(Frame::trailers(trailers()))
            }
            Step::Error => {
                self.ended = true;
                Err("the connection broke off".into())
            }
            // Without the panic hook, which ends the process.
            Step::Panic => std::panic::resume_unwind(Box::new("the target wants a panic")),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.announced && self.data.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.announced { SizeHint::with_exact(self.data.len() as u64) } else { SizeHint::default() }
    }
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("digest"), HeaderValue::from_static("605b32dd"))])
}
