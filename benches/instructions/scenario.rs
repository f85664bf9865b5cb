//! The scenarios that are counted. A name consists of the call and the app that answers it.

use std::{convert::Infallible, hint::black_box};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    observed, served,
    support::{
        Incoming, answer, axum,
        bare::{Bare, boxed},
        call::{self, Call, Known, agent, auth_ticket, connect, validator},
        expert, hand_written, largest,
        layered::{self, one, outside, sixteen, sixteen_endpoints},
        server,
    },
    throttled::throttled,
};

macro_rules! scenarios {
    ($($name:literal: $app:expr, $call:expr;)* whole servers: $($served:literal: $server:expr, $served_call:expr;)*) => {
        /// The names of all scenarios, in the order of the table.
        pub(crate) const NAMES: &[&str] = &[DROPPED, $($name,)* $($served,)*];

        /// Answers the call of a scenario `times` times.
        pub(crate) fn run(name: &str, times: u32) {
            match name {
                DROPPED => drop_repeatedly(call::granted().request, times),
                $($name => {
                    // A deadline needs a runtime.
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                    let runtime = runtime.expect("a runtime");
                    let _entered = runtime.enter();
                    repeat($app, $call(), times)
                })*
                $($served => served::repeat($server, $served_call(), times),)*
                _ => panic!("unknown scenario {name}"),
            }
        }
    };
}

/// A request that is only dropped. Every other figure of an app includes this cost.
pub(crate) const DROPPED: &str = "request/dropped";

scenarios! {
    "other/bare": Bare, call::other;
    "other/layers-1": one(Bare), call::other;
    "other/layers-16": sixteen(Bare), call::other;
    "other/endpoints-16": sixteen_endpoints().layer(Bare), call::other;
    "other-query/bare": Bare, call::other_with_query;
    "other-query/layers-1": one(Bare), call::other_with_query;
    "other-boxed/bare": boxed(), call::other;
    "other-boxed/layers-1": one(boxed()), call::other;
    "other-boxed/layers-16": sixteen(boxed()), call::other;
    "other-boxed/endpoints-16": sixteen_endpoints().layer(boxed()), call::other;
    "granted/tower-verify": one(Bare), call::granted;
    "granted/expert": expert::customer(), call::granted;
    "granted/endpoints-16": sixteen_endpoints().layer(Bare), call::granted;
    "granted/throttled": throttled(Bare), call::granted;
    "granted/observed": observed::event(Bare), call::granted;
    "granted/tracing-off": observed::tracing_off(Bare), call::granted;
    "granted/tracing-warnings": observed::tracing_warnings(Bare), call::granted;
    "granted/tracing-all": observed::tracing_all(Bare), call::granted;
    "granted/metrics": observed::metrics(Bare), call::granted;
    "granted/audit": observed::audit(Bare), call::granted;
    "granted/outside": outside(Bare), call::granted;
    "granted/hand-written": hand_written::app(), call::granted;
    "granted/axum": axum::app(), call::granted;
    "granted/axum-protected": axum::protected(), call::granted;
    "denied/tower-verify": one(Bare), call::denied;
    "denied/expert": expert::customer(), call::denied;
    "malformed/tower-verify": one(Bare), call::malformed;
    "malformed/expert": expert::customer(), call::malformed;
    "largest/granted": one(Bare), largest_granted;
    "largest/worst": one(Bare), largest_worst;
    "agent-granted/tower-verify": layered::agent(), agent::granted;
    "agent-granted/expert": expert::agent(), agent::granted;
    "agent-denied/tower-verify": layered::agent(), agent::denied;
    "agent-denied/expert": expert::agent(), agent::denied;
    "agent-malformed/tower-verify": layered::agent(), agent::malformed;
    "agent-malformed/expert": expert::agent(), agent::malformed;
    "talkdesk-2-granted/tower-verify": layered::validator(), validator::granted::<2>;
    "talkdesk-2-granted/expert": expert::validator(), validator::granted::<2>;
    "talkdesk-2-denied/tower-verify": layered::validator(), validator::denied::<2>;
    "talkdesk-2-denied/expert": expert::validator(), validator::denied::<2>;
    "talkdesk-2-malformed/tower-verify": layered::validator(), validator::malformed::<2>;
    "talkdesk-2-malformed/expert": expert::validator(), validator::malformed::<2>;
    "talkdesk-20-granted/tower-verify": layered::validator(), validator::granted::<20>;
    "talkdesk-20-granted/expert": expert::validator(), validator::granted::<20>;
    "talkdesk-20-denied/tower-verify": layered::validator(), validator::denied::<20>;
    "talkdesk-20-denied/expert": expert::validator(), validator::denied::<20>;
    "talkdesk-20-malformed/tower-verify": layered::validator(), validator::malformed::<20>;
    "talkdesk-20-malformed/expert": expert::validator(), validator::malformed::<20>;
    "ticket-granted/tower-verify": layered::auth_ticket(), auth_ticket::granted;
    "ticket-granted/expert": expert::auth_ticket(), auth_ticket::granted;
    "ticket-denied/tower-verify": layered::auth_ticket(), auth_ticket::denied;
    "ticket-denied/expert": expert::auth_ticket(), auth_ticket::denied;
    "ticket-malformed/tower-verify": layered::auth_ticket(), auth_ticket::malformed;
    "ticket-malformed/expert": expert::auth_ticket(), auth_ticket::malformed;
    "connect-granted/tower-verify": layered::connect(), connect::granted;
    "connect-granted/expert": expert::connect(), connect::granted;
    "connect-denied/tower-verify": layered::connect(), connect::denied;
    "connect-denied/expert": expert::connect(), connect::denied;
    "connect-malformed/tower-verify": layered::connect(), connect::malformed;
    "connect-malformed/expert": expert::connect(), connect::malformed;
    whole servers:
    "hyper-other/static": served::hyper(served::app()), call::other;
    "hyper-other/tower-verify": served::hyper(one(served::app())), call::other;
    "hyper-other/endpoints-16": served::hyper(sixteen_endpoints().layer(served::app())), call::other;
    "hyper-granted/static": served::hyper(server::validated()), call::granted;
    "hyper-granted/expert": served::hyper(expert::customer()), call::granted;
    "hyper-granted/tower-verify": served::hyper(one(served::app())), call::granted;
    "axum-other/bare": served::axum(served::router()), call::other;
    "axum-other/nothing": served::axum(served::router().layer(served::nothing())), call::other;
    "axum-other/tower-verify": served::axum(served::router().layer(layered::layer())), call::other;
    "axum-other/endpoints-16": served::axum(served::router().layer(sixteen_endpoints())), call::other;
}

fn largest_granted() -> Call {
    call::check(&largest::padded(largest::LIMIT), "Validated")
}

/// The most expensive body of `largest::hostile` for the parser.
fn largest_worst() -> Call {
    call::check(&largest::hostile("numbers"), "BadRequest")
}

fn repeat<S, B>(service: S, call: Call, times: u32)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes>,
{
    assert_eq!(Known::of(answer(&mut service.clone(), call.request.clone())), call.answer);
    for _ in 0..times {
        counted_answer(&service, call.request.clone());
    }
}

fn drop_repeatedly(request: Incoming, times: u32) {
    for _ in 0..times {
        counted_drop(request.clone());
    }
}

// Instructions are counted only inside of functions with the prefix `counted_`: from a request that already exists
// until the answer's head and body are dropped. A server clones its service for each request, and so does this.

#[inline(never)]
fn counted_answer<S, B>(service: &S, request: Incoming)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible> + Clone,
{
    let mut service = black_box(service).clone();
    drop(black_box(answer(&mut service, request)));
}

#[inline(never)]
fn counted_drop(request: Incoming) {
    drop(black_box(request));
}
