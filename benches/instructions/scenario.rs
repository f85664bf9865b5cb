use std::{convert::Infallible, hint::black_box};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::support::{Bare, Incoming, axum, call, hand_written, layered::customer};
use futures::FutureExt;

/// Every scenario, in the order of the table.
pub const NAMES: [&str; 25] = [
    "request",
    "other/bare",
    "other/layers-1",
    "other/layers-2",
    "other/layers-4",
    "other/layers-16",
    "otherbox/bare",
    "otherbox/layers-1",
    "otherbox/layers-2",
    "otherbox/layers-4",
    "otherbox/layers-16",
    "otherasync/bare",
    "otherasync/layers-1",
    "otherasync/layers-4",
    "otherasync/layers-16",
    "granted/tower-verify",
    "granted/hand-written",
    "granted/axum",
    "granted/axum-protected",
    "denied/tower-verify",
    "denied/hand-written",
    "denied/axum",
    "malformed/tower-verify",
    "malformed/hand-written",
    "malformed/axum",
];

async fn inner(_request: Incoming) -> Result<Response<http_body_util::Full<Bytes>>, Infallible> {
    Ok(Response::new(http_body_util::Full::new(Bytes::from_static(b"the app"))))
}

/// Answers the scenario's request so many times.
pub fn run(name: &str, times: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let (call, app) = name.split_once('/').unwrap_or((name, ""));
    let (request, word): (fn() -> Incoming, _) = match call {
        "request" => {
            let request = call::granted();
            for _ in 0..times {
                drop_counted(request.clone());
            }
            return;
        }
        "other" | "otherasync" | "otherbox" => (call::other, "the app"),
        "granted" => (call::granted, "Validated"),
        "denied" => (call::denied, "InvalidToken"),
        "malformed" => (call::malformed, "BadRequest"),
        _ => panic!("no such scenario"),
    };
    if call == "otherbox" {
        let inner = black_box(tower::util::BoxCloneService::new(tower::service_fn(inner)));
        match app {
            "bare" => repeat(inner, request, word, times),
            "layers-1" => repeat(customer(inner), request, word, times),
            "layers-2" => repeat(customer(customer(inner)), request, word, times),
            "layers-4" => repeat(customer(customer(customer(customer(inner)))), request, word, times),
            "layers-16" => {
                let four = |s| customer(customer(customer(customer(s))));
                let eight = customer(customer(customer(customer(four(inner)))));
                let twelve = customer(customer(customer(customer(eight))));
                let sixteen = customer(customer(customer(customer(twelve))));
                repeat(sixteen, request, word, times);
            }
            _ => panic!("no such scenario"),
        }
        return;
    }
    if call == "otherasync" {
        let inner = tower::service_fn(inner);
        match app {
            "bare" => repeat(inner, request, word, times),
            "layers-1" => repeat(customer(inner), request, word, times),
            "layers-4" => repeat(customer(customer(customer(customer(inner)))), request, word, times),
            "layers-16" => {
                let four = |s| customer(customer(customer(customer(s))));
                let eight = customer(customer(customer(customer(four(inner)))));
                let twelve = customer(customer(customer(customer(eight))));
                let sixteen = customer(customer(customer(customer(twelve))));
                repeat(sixteen, request, word, times);
            }
            _ => panic!("no such scenario"),
        }
        return;
    }
    match app {
        "bare" => repeat(Bare, request, word, times),
        "layers-1" | "tower-verify" => repeat(customer(Bare), request, word, times),
        "layers-2" => repeat(customer(customer(Bare)), request, word, times),
        "layers-4" => repeat(customer(customer(customer(customer(Bare)))), request, word, times),
        "layers-16" => {
            let four = |s| customer(customer(customer(customer(s))));
            let eight = customer(customer(customer(customer(four(Bare)))));
            let twelve = customer(customer(customer(customer(eight))));
            let sixteen = customer(customer(customer(customer(twelve))));
            repeat(sixteen, request, word, times);
        }
        "hand-written" => repeat(hand_written::app(), request, word, times),
        "axum" => repeat(axum::app(), request, word, times),
        "axum-protected" => repeat(axum::protected(), request, word, times),
        _ => panic!("no such scenario"),
    }
}

fn repeat<S, B>(mut service: S, request: fn() -> Incoming, word: &str, times: u32)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let request = request();
    let response = crate::support::answer(&mut service, request.clone());
    let read = response.into_body().collect().now_or_never().expect("at once").ok().unwrap().to_bytes();
    assert_eq!(read, word);
    for _ in 0..times {
        answer_counted(&mut service, request.clone());
    }
}

#[inline(never)]
fn drop_counted(request: Incoming) {
    drop(black_box(request));
}

#[inline(never)]
fn answer_counted<S, B>(service: &mut S, request: Incoming)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
{
    drop(black_box(crate::support::answer(service, request)));
}
