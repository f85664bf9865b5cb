//! The throughput of several threads as a multiple of one thread's: on one store, and on the office and the throttle
//! that keep their state in one.
//!
//! `cargo bench --bench store -- threads 2 8` measures two threads and eight. Two cores are seldom twice as fast as one,
//! so each figure has a control: the same operations in the same rounds, but each thread has a store of its own.
//!
//! The figure is the median time of a batch of operations that runs alone, divided by that of one that runs while all
//! threads do, times the number of threads. So it needs no quiet machine.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use tower_verify::{
    BoxError, Verifier,
    policy::Throttle,
    store::{MemoryStore, Store},
    verifier_fn,
};

use crate::{
    guesses::Guess,
    memory::{TTL, key},
    office::Office,
};

/// The number of rounds of each measurement, and of each thread's batches in a round. A batch takes some 0.1 ms, so that
/// few are interrupted by other processes.
const ROUNDS: usize = 40;
const BATCHES: usize = 250;

/// The number of entries that stay in the store.
const LIVE: u64 = 50_000;

/// The number of users and customers.
const USERS: u64 = 1_000;

pub(crate) fn measure(threads: &[usize]) {
    for &threads in threads {
        compare("put and take at once", threads, 200, || {
            let (store, value) = (MemoryStore::new(), Bytes::from_static(&[7; 120]));
            for number in 0..LIVE {
                futures::executor::block_on(store.put(&key(u64::MAX - number), value.clone(), TTL)).expect("room");
            }
            async move |number| {
                store.put(&key(number), value.clone(), TTL).await.expect("room");
                assert!(store.take(&key(number)).await.expect("a store in memory").is_some());
            }
        });
        compare("issue and exchange a ticket", threads, 16, || {
            let office = Office::new(4_000_000);
            (0..USERS).for_each(|user| drop(office.issue(user)));
            async move |number| office.exchange(office.issue(number % USERS))
        });
        compare("an attempt at one throttled account", threads, 50, || throttled(1));
        compare("an attempt at one of many throttled accounts", threads, 50, || throttled(USERS));
    }
}

/// A right guess at one of this many accounts.
fn throttled(accounts: u64) -> impl AsyncFn(u64) + Sync {
    let right = verifier_fn(|_: Request<Guess>| async { Ok::<_, BoxError>(true) });
    let principal = move |request: &Request<Guess>| Some((request.body().0 % accounts).to_be_bytes());
    let throttle = Throttle::new(right, MemoryStore::new(), [7; 32], principal);
    async move |number| {
        let verdict = throttle.verify(Request::new(Guess(number))).await;
        assert!(verdict.is_ok_and(|admitted| admitted), "nobody fails, so nobody is throttled");
    }
}

/// Measures what `make` returns: once shared by all threads, and once made for each.
fn compare<F: AsyncFn(u64) + Sync>(what: &str, threads: usize, batch: u64, make: impl Fn() -> F) {
    let shared = make();
    let own: Vec<F> = (0..threads).map(|_| make()).collect();
    let sides = [own.iter().collect(), vec![&shared; threads]];
    let mut batches: [(Vec<Duration>, Vec<Duration>); 2] = Default::default();
    for _ in 0..ROUNDS {
        for (threads, (alone, together)) in sides.iter().zip(&mut batches) {
            alone.extend(run(batch, &threads[..1]));
            together.extend(run(batch, threads));
        }
    }
    let [control, shared] =
        batches.map(|(alone, together)| threads as f64 * median(alone).as_secs_f64() / median(together).as_secs_f64());
    println!("| {what} | {threads} threads against one (control {control:.2}) | {shared:.2} |");
}

/// The operations that a thread has finished, in cache lines of their own.
#[derive(Default)]
#[repr(align(128))]
struct Finished(AtomicU64);

/// Runs batches of this many operations in each thread. Returns how long each batch took in which all threads got on
/// equally fast: in the others, another process had the core of one.
fn run<F: AsyncFn(u64) + Sync>(batch: u64, threads: &[&F]) -> Vec<Duration> {
    let finished: Vec<Finished> = threads.iter().map(|_| Finished::default()).collect();
    let progress = || finished.iter().map(|thread| thread.0.load(Relaxed)).collect::<Vec<_>>();
    let run_one = async |thread: usize| {
        let (mut batches, mut number) = (Vec::new(), thread as u64);
        for _ in 0..BATCHES {
            let (before, start) = (progress(), Instant::now());
            for _ in 0..batch {
                threads[thread](number).await;
                number += threads.len() as u64;
                finished[thread].0.fetch_add(1, Relaxed);
            }
            let took = start.elapsed();
            let as_fast = |(after, before): (&u64, u64)| (4 * batch / 5..=5 * batch / 4).contains(&(after - before));
            if progress().iter().zip(before).all(as_fast) {
                batches.push(took);
            }
        }
        batches
    };
    thread::scope(|scope| {
        let spawn = |thread| {
            let run_one = &run_one;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
                runtime.block_on(run_one(thread))
            })
        };
        let running: Vec<_> = (0..threads.len()).map(spawn).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("an operation failed")).collect()
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    *times.get(times.len() / 2).expect("at no time did all threads run: the machine has too few cores")
}
