//! The throughput of several threads as a multiple of one thread's: on one store, and on the office and the throttle
//! that keep their state in one.
//!
//! `cargo bench --bench store -- threads 2 8` measures two threads and eight. Two cores are seldom twice as fast as one,
//! and other processes take their share, so each figure has a control: the same operations in the same round, but each
//! thread has a store of its own.

use std::{thread, time::Instant};

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
    seconds_with_and_without_core,
};

/// The number of rounds of each measurement, and how many of them count: those that waited least for a core, as other
/// processes had it. A round takes some 20 ms, so that a busy machine has quiet rounds too.
const ROUNDS: usize = 200;
const QUIETEST: usize = 41;

/// The number of entries that stay in the store.
const LIVE: u64 = 50_000;

/// The number of users and customers.
const USERS: u64 = 1_000;

pub(crate) fn measure(threads: &[usize]) {
    for &threads in threads {
        compare("put and take at once", threads, 8_000, || {
            let (store, value) = (MemoryStore::new(), Bytes::from_static(&[7; 120]));
            for number in 0..LIVE {
                futures::executor::block_on(store.put(&key(u64::MAX - number), value.clone(), TTL)).expect("room");
            }
            async move |number| {
                store.put(&key(number), value.clone(), TTL).await.expect("room");
                assert!(store.take(&key(number)).await.expect("a store in memory").is_some());
            }
        });
        compare("issue and exchange a ticket", threads, 500, || {
            let office = Office::new(4_000_000);
            (0..USERS).for_each(|user| drop(office.issue(user)));
            async move |number| office.exchange(office.issue(number % USERS))
        });
        compare("an attempt at one throttled account", threads, 500, || throttled(1));
        compare("an attempt at one of many throttled accounts", threads, 500, || throttled(USERS));
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
fn compare<F: AsyncFn(u64) + Sync>(what: &str, threads: usize, operations: u64, make: impl Fn() -> F) {
    let shared = make();
    let own: Vec<F> = (0..threads).map(|_| make()).collect();
    let (shared, own) = (vec![&shared; threads], own.iter().collect::<Vec<_>>());
    let mut rounds: Vec<Round> = (0..ROUNDS).map(|_| Round::run(operations, &own, &shared)).collect();
    rounds.sort_by(|round, other| round.waited.total_cmp(&other.waited));
    rounds.truncate(QUIETEST);
    let control = median(rounds.iter().map(|round| round.control));
    let shared = median(rounds.iter().map(|round| round.shared));
    println!("| {what} | {threads} threads against one (control {control:.2}) | {shared:.2} |");
}

struct Round {
    control: f64,
    shared: f64,
    /// How long its threads waited for a core, in seconds.
    waited: f64,
}

impl Round {
    fn run<F: AsyncFn(u64) + Sync>(operations: u64, own: &[&F], shared: &[&F]) -> Self {
        let mut waited = 0.0;
        let mut seconds = |threads: &[&F]| {
            let (seconds, waited_here) = run(operations, threads);
            waited += waited_here;
            seconds
        };
        let mut gain = |threads: &[&F]| threads.len() as f64 * seconds(&threads[..1]) / seconds(threads);
        let (control, shared) = (gain(own), gain(shared));
        Self { control, shared, waited }
    }
}

/// Runs this many operations in each thread. Returns the seconds that this took, and how long the threads waited for a
/// core.
fn run<F: AsyncFn(u64) + Sync>(operations: u64, threads: &[&F]) -> (f64, f64) {
    let start = Instant::now();
    let waited = thread::scope(|scope| {
        let run = (0..).zip(threads).map(|(first, operation)| {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
                runtime.block_on(async {
                    for number in 0..operations {
                        operation(number * threads.len() as u64 + first).await;
                    }
                });
                seconds_with_and_without_core().1
            })
        });
        let running: Vec<_> = run.collect();
        running.into_iter().map(|thread| thread.join().expect("an operation failed")).sum()
    });
    (start.elapsed().as_secs_f64(), waited)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
