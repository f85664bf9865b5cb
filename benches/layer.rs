//! The time of one request: one that passes through the layer, and each endpoint's check beside the same check by an
//! expert's hand. Also the check's time by the size of its body, and for hostile bodies of the largest size.

mod support;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use http::Response;
use http_body::Body;
use tower_service::Service;

use support::{
    Incoming, answer, axum,
    bare::Bare,
    call::{self, Call, Known, agent, auth_ticket, connect, validator},
    expert, hand_written, largest,
    layered::{self, four, one, sixteen},
};

fn measure<S, B>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, service: S, call: &Call)
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes>,
{
    assert_eq!(Known::of(answer(&mut service.clone(), call.request.clone())), call.answer, "{name}");
    group.bench_function(name, |bencher| {
        // A server clones its service for each request.
        let input = || call.request.clone();
        bencher.iter_batched(input, |request| answer(&mut service.clone(), request), BatchSize::SmallInput);
    });
}

fn other_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("another path");
    let call = call::other();
    measure(&mut group, "no layer", Bare, &call);
    measure(&mut group, "1 layer", one(Bare), &call);
    measure(&mut group, "4 layers", four(Bare), &call);
    measure(&mut group, "16 layers", sixteen(Bare), &call);
}

fn check(criterion: &mut Criterion) {
    // A deadline needs a tokio runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    for (name, call) in [("granted", call::granted()), ("denied", call::denied()), ("malformed", call::malformed())] {
        let mut group = criterion.benchmark_group(name);
        measure(&mut group, "tower-verify", one(Bare), &call);
        measure(&mut group, "an expert", expert::customer(), &call);
        measure(&mut group, "by hand", hand_written::app(), &call);
        measure(&mut group, "axum", axum::app(), &call);
        measure(&mut group, "axum and tower-http", axum::protected(), &call);
    }
}

fn other_endpoints(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let mut group = criterion.benchmark_group("other endpoints");
    measure(&mut group, "agent", layered::agent(), &agent::granted());
    measure(&mut group, "agent, an expert", expert::agent(), &agent::granted());
    measure(&mut group, "Talkdesk, 2 fields", layered::validator(), &validator::granted::<2>());
    measure(&mut group, "Talkdesk, 2 fields, an expert", expert::validator(), &validator::granted::<2>());
    measure(&mut group, "Talkdesk, 20 fields", layered::validator(), &validator::granted::<20>());
    measure(&mut group, "Talkdesk, 20 fields, an expert", expert::validator(), &validator::granted::<20>());
    measure(&mut group, "TapTalk ticket", layered::auth_ticket(), &auth_ticket::granted());
    measure(&mut group, "TapTalk ticket, an expert", expert::auth_ticket(), &auth_ticket::granted());
    measure(&mut group, "TapTalk connect", layered::connect(), &connect::granted());
    measure(&mut group, "TapTalk connect, an expert", expert::connect(), &connect::granted());
}

fn body_size(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("body of bytes");
    for size in [96, 256, 1024, 4096, largest::LIMIT] {
        measure(&mut group, &size.to_string(), one(Bare), &call::check(&largest::padded(size), "Validated"));
    }
}

fn hostile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile body");
    measure(&mut group, "none, for comparison", one(Bare), &call::granted());
    for name in largest::HOSTILE {
        measure(&mut group, name, one(Bare), &call::check(&largest::hostile(name), "BadRequest"));
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
    targets = other_path, check, other_endpoints, body_size, hostile
}
criterion_main!(benches);
