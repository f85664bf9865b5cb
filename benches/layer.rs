//! The time of one request: one that passes through the layer, and a check that the layer answers, beside the same
//! check by hand and in axum. Also the check's time by the size of its body, and for hostile bodies of the largest
//! size.

mod support;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use http::Response;
use http_body::Body;
use tower_service::Service;

use support::{
    Incoming, answer, axum,
    bare::{self, Bare},
    call, hand_written, largest,
    layered::{four, one, sixteen, three},
    text,
};

fn measure<S, B>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut service: S,
    request: &Incoming,
    expected: &str,
) where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    assert_eq!(text(answer(&mut service, request.clone())), expected, "{name}");
    group.bench_function(name, |bencher| {
        bencher.iter_batched(|| request.clone(), |request| answer(&mut service, request), BatchSize::SmallInput);
    });
}

fn other_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("another path");
    let request = call::other();
    measure(&mut group, "no layer", Bare, &request, bare::TEXT);
    measure(&mut group, "1 layer", one(Bare), &request, bare::TEXT);
    measure(&mut group, "3 layers", three(Bare), &request, bare::TEXT);
    measure(&mut group, "4 layers", four(Bare), &request, bare::TEXT);
    measure(&mut group, "16 layers", sixteen(Bare), &request, bare::TEXT);
}

fn check(criterion: &mut Criterion) {
    for (name, request, expected) in [
        ("granted", call::granted(), "Validated"),
        ("denied", call::denied(), "InvalidToken"),
        ("malformed", call::malformed(), "BadRequest"),
    ] {
        let mut group = criterion.benchmark_group(name);
        measure(&mut group, "tower-verify", one(Bare), &request, expected);
        measure(&mut group, "by hand", hand_written::app(), &request, expected);
        measure(&mut group, "axum", axum::app(), &request, expected);
        // tower-http's timeout needs a tokio runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let _entered = runtime.enter();
        measure(&mut group, "axum and tower-http", axum::protected(), &request, expected);
    }
}

fn body_size(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("body of bytes");
    for size in [96, 256, 1024, 4096, largest::LIMIT] {
        measure(&mut group, &size.to_string(), one(Bare), &call::check(&largest::padded(size)), "Validated");
    }
}

fn hostile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile body");
    measure(&mut group, "none, for comparison", one(Bare), &call::granted(), "Validated");
    for name in largest::HOSTILE {
        measure(&mut group, name, one(Bare), &call::check(&largest::hostile(name)), "BadRequest");
    }
}

criterion_group! {
    name = benches;
    // Short, to finish in minutes. `-- --sample-size 100 --measurement-time 5` is more exact.
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(700))
        .without_plots();
    targets = other_path, check, body_size, hostile
}
criterion_main!(benches);
