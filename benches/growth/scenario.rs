//! What is counted: a family of scenarios a file.

use std::{convert::Infallible, hint::black_box};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower::Service;

use crate::{
    body, hostile, layers, ring,
    support::{self, Incoming},
};

/// One size of something.
pub(crate) struct Scenario {
    pub(crate) plot: &'static str,
    pub(crate) line: String,
    pub(crate) x: u64,
    /// Does it once and then as often as it is told to, which is counted.
    pub(crate) run: Box<dyn FnOnce(u32)>,
}

impl Scenario {
    pub(crate) fn new(plot: &'static str, line: impl Into<String>, x: u64, run: impl FnOnce(u32) + 'static) -> Self {
        Self { plot, line: line.into(), x, run: Box::new(run) }
    }
}

pub(crate) fn all() -> Vec<Scenario> {
    [layers::scenarios(), body::scenarios(), ring::scenarios(), hostile::scenarios()].into_iter().flatten().collect()
}

/// Lets `service` answer `request`. The answer must be what is `expected`, or nothing was measured.
pub(crate) fn repeat<S, B>(mut service: S, request: &Incoming, expected: impl Fn(&str) -> bool, times: u32)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let answer = support::text(support::answer(&mut service, request.clone()));
    assert!(expected(&answer), "{} {} was answered with {answer:?}", request.method(), request.uri().path());
    for _ in 0..times {
        counted_answer(&mut service, request.clone());
    }
}

#[inline(never)]
fn counted_answer<S, B>(service: &mut S, request: Incoming)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
{
    drop(black_box(support::answer(service, request)));
}
