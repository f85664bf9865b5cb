//! The scenarios that are counted. A name consists of the call and the app that answers it.

use std::{convert::Infallible, hint::black_box};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower_service::Service;

use crate::{
    observed,
    support::{
        Incoming, answer, axum,
        bare::{self, Bare, boxed},
        call, hand_written, largest,
        layered::{four, one, outside, sixteen, sixteen_endpoints},
        text,
    },
    throttled::throttled,
};

macro_rules! scenarios {
    ($($name:literal: $app:expr, $call:path => $text:expr;)*) => {
        /// The names of all scenarios, in the order of the table.
        pub(crate) const NAMES: &[&str] = &[DROPPED, $($name),*];

        /// Answers the request of a scenario `times` times.
        pub(crate) fn run(name: &str, times: u32) {
            // tower-http's timeout needs a runtime.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let _entered = runtime.enter();
            match name {
                DROPPED => drop_repeatedly(call::granted(), times),
                $($name => repeat($app, $call(), $text, times),)*
                _ => panic!("unknown scenario {name}"),
            }
        }
    };
}

/// A request that is only dropped. Every other figure includes this cost.
pub(crate) const DROPPED: &str = "request/dropped";

scenarios! {
    "other/bare": Bare, call::other => bare::TEXT;
    "other/layers-1": one(Bare), call::other => bare::TEXT;
    "other/layers-4": four(Bare), call::other => bare::TEXT;
    "other/layers-16": sixteen(Bare), call::other => bare::TEXT;
    "other/endpoints-16": sixteen_endpoints(Bare), call::other => bare::TEXT;
    "other-query/bare": Bare, call::other_with_query => bare::TEXT;
    "other-query/layers-1": one(Bare), call::other_with_query => bare::TEXT;
    "other-query/layers-16": sixteen(Bare), call::other_with_query => bare::TEXT;
    "other-boxed/bare": boxed(), call::other => bare::TEXT;
    "other-boxed/layers-1": one(boxed()), call::other => bare::TEXT;
    "other-boxed/layers-4": four(boxed()), call::other => bare::TEXT;
    "other-boxed/layers-16": sixteen(boxed()), call::other => bare::TEXT;
    "other-boxed/endpoints-16": sixteen_endpoints(boxed()), call::other => bare::TEXT;
    "granted/tower-verify": one(Bare), call::granted => "Validated";
    "granted/endpoints-16": sixteen_endpoints(Bare), call::granted => "Validated";
    "granted/throttled": throttled(Bare), call::granted => "Validated";
    "granted/observed": observed::event(Bare), call::granted => "Validated";
    "granted/tracing-off": observed::tracing_off(Bare), call::granted => "Validated";
    "granted/tracing-warnings": observed::tracing_warnings(Bare), call::granted => "Validated";
    "granted/tracing-all": observed::tracing_all(Bare), call::granted => "Validated";
    "granted/metrics": observed::metrics(Bare), call::granted => "Validated";
    "granted/audit": observed::audit(Bare), call::granted => "Validated";
    "granted/outside": outside(Bare), call::granted => "Validated";
    "granted/hand-written": hand_written::app(), call::granted => "Validated";
    "granted/axum": axum::app(), call::granted => "Validated";
    "granted/axum-protected": axum::protected(), call::granted => "Validated";
    "denied/tower-verify": one(Bare), call::denied => "InvalidToken";
    "denied/hand-written": hand_written::app(), call::denied => "InvalidToken";
    "denied/axum": axum::app(), call::denied => "InvalidToken";
    "denied/axum-protected": axum::protected(), call::denied => "InvalidToken";
    "malformed/tower-verify": one(Bare), call::malformed => "BadRequest";
    "malformed/hand-written": hand_written::app(), call::malformed => "BadRequest";
    "malformed/axum": axum::app(), call::malformed => "BadRequest";
    "malformed/axum-protected": axum::protected(), call::malformed => "BadRequest";
    "largest/granted": one(Bare), largest_granted => "Validated";
    "largest/worst": one(Bare), largest_worst => "BadRequest";
}

fn largest_granted() -> Incoming {
    call::check(&largest::padded(largest::LIMIT))
}

/// The most expensive body of `largest::hostile` for the parser.
fn largest_worst() -> Incoming {
    call::check(&largest::hostile("numbers"))
}

fn repeat<S, B>(mut service: S, request: Incoming, expected: &str, times: u32)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    assert_eq!(text(answer(&mut service, request.clone())), expected);
    for _ in 0..times {
        counted_answer(&mut service, request.clone());
    }
}

fn drop_repeatedly(request: Incoming, times: u32) {
    for _ in 0..times {
        counted_drop(request.clone());
    }
}

// Instructions are counted only inside of functions with the prefix `counted_`: from a request that already exists
// until the answer's head and body are dropped.

#[inline(never)]
fn counted_answer<S, B>(service: &mut S, request: Incoming)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
{
    drop(black_box(answer(service, request)));
}

#[inline(never)]
fn counted_drop(request: Incoming) {
    drop(black_box(request));
}
