//! Nodes, clocks, a network and a store in one thread and in virtual time, with faults that a seed describes.
//!
//! The office, the throttle, the cache and the register are the real ones, behind the real layer and over the real
//! memory store. Beside them, models decide what may be admitted. A broken rule is printed with its seed and the end of
//! its trace:
//!
//! ```console
//! $ SEED=17 cargo test --test simulation -- --nocapture
//! ```
//!
//! `STEPS` sets how many calls and faults there are; `.ci/simulation` makes a million.

mod cache;
mod call;
mod network;
mod office;
mod reference;
mod register;
mod revoke;
mod rng;
mod run;
mod throttle;
mod world;

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use self::run::{Ran, STEPS, run};

/// How many lines of the trace are printed with a violation. With `SEED`, all are.
const TAIL: usize = 60;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn no_run_breaks_a_rule() {
    if let Some(seed) = setting("SEED") {
        let ran = run(seed, usize::MAX);
        println!("{}\nseed {seed}: {:?}, {:?}", ran.tail, ran.faults, ran.violation);
        assert_eq!(ran.violation, None);
        return;
    }
    let runs = setting("STEPS").unwrap_or(8_000).div_ceil(STEPS);
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let worker = || {
        let mut time = Duration::ZERO;
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= runs {
                return (time, None);
            }
            let ran = run(seed, TAIL);
            time += ran.time;
            if ran.violation.is_some() {
                next.store(runs, Relaxed);
                return (time, Some((seed, ran)));
            }
        }
    };
    let (mut time, mut broken) = (Duration::ZERO, None);
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            let (of_worker, found) = worker.join().expect("a worker does not panic");
            time += of_worker;
            broken = broken.take().or(found);
        }
    });
    if let Some((seed, Ran { tail, faults, violation, .. })) = broken {
        println!("{tail}");
        panic!("seed {seed}, {faults:?}: {}. Replay it with SEED={seed}.", violation.unwrap_or_default());
    }
    println!(
        "{} steps in {runs} runs, {:.0} hours of virtual time, {:.1} s",
        runs * STEPS,
        time.as_secs_f64() / 3600.0,
        start.elapsed().as_secs_f64()
    );
}

#[test]
fn a_seed_replays_its_run() {
    for seed in [1, 2, 3, 7] {
        assert_eq!(run(seed, TAIL).digest, run(seed, TAIL).digest, "seed {seed}");
    }
}
