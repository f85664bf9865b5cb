//! The scenarios whose instructions are counted. Each file has a family of them.

use std::{convert::Infallible, hint::black_box};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower::Service;

use crate::{
    body, hostile, layers, ring,
    support::{self, Incoming},
};

/// One point of a plot: something of one size.
pub(crate) struct Scenario {
    pub(crate) plot: &'static str,
    pub(crate) line: String,
    pub(crate) x: u64,
    /// Runs it once without counting, and then as often as the argument says.
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

/// Checks the answer of `service` to `request` with `expected`, and then repeats the call `times` times, counted.
pub(crate) fn repeat<S, B>(mut service: S, request: &Incoming, expected: impl Fn(&str) -> bool, times: u32)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let answer = support::text(support::answer(&mut service, request.clone()));
    assert!(expected(&answer), "unexpected answer to {} {}: {answer:?}", request.method(), request.uri().path());
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
