//! Issuing and checking a token, compared with one HMAC-SHA-256 and with jsonwebtoken's HS256 with the same claims.
//!
//! `cargo bench --bench token` times them. `… -- run <name> <times>` runs one of them, for valgrind to count its
//! instructions. The count for 2n runs minus that for n runs leaves out the start of the process.

mod jwt;
mod scenario;

use std::env;

use criterion::Criterion;

use self::scenario::{NAMES, Scenario};

fn main() {
    let scenario = Scenario::new();
    let args: Vec<String> = env::args().skip(1).collect();
    if let [run, name, times] = &args[..]
        && run == "run"
    {
        scenario.run(name, times.parse().expect("a number"));
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("token");
    for name in NAMES {
        group.bench_function(name, |bencher| bencher.iter(|| scenario.run(name, 1)));
    }
    group.finish();
    criterion.final_summary();
}
