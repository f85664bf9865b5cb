//! The throughput of two threads as a multiple of one thread's. A control that shares nothing is measured too, because
//! two cores of a machine are seldom twice as fast as one.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::FutureExt;
use tower_verify::store::{MemoryStore, Store};

use crate::{memory::key, office::Office};

const TTL: Duration = Duration::from_secs(300);
const OPERATIONS: u64 = 400_000;
const TICKETS: u64 = 40_000;

/// The number of rounds of each measurement. The fastest counts, as other processes only make a round slower.
const ROUNDS: usize = 9;

/// The number of entries that stay in the store.
const LIVE: u64 = 200_000;

pub(crate) fn measure() {
    print_ratio("nothing shared", OPERATIONS, |number| {
        for round in 0..100 {
            black_box(number.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ round));
        }
    });
    let store = MemoryStore::new();
    // A static value has no reference count, which the threads would share.
    let value = Bytes::from_static(&[7; 120]);
    (0..LIVE)
        .for_each(|number| store.put(&key(u64::MAX - number), value.clone(), TTL).now_or_never().unwrap().unwrap());
    print_ratio("put and take at once", OPERATIONS, |number| {
        store.put(&key(number), value.clone(), TTL).now_or_never().unwrap().unwrap();
        assert!(store.take(&key(number)).now_or_never().unwrap().unwrap().is_some());
    });
    let office = Office::new(1_000_000);
    (0..1_000).for_each(|user| drop(office.issue(user)));
    print_ratio("issue and exchange a ticket", TICKETS, |number| {
        let ticket = office.issue(number % 1_000);
        office.exchange(ticket);
    });
}

fn print_ratio(what: &str, operations: u64, operation: impl Fn(u64) + Sync) {
    let fastest = |threads| (0..ROUNDS).map(|_| seconds(threads, operations, &operation)).fold(f64::INFINITY, f64::min);
    println!("| {what} | two threads against one | {:.2} |", 2.0 * fastest(1) / fastest(2));
}

/// Returns the time in which each of `threads` threads runs `operations` operations.
fn seconds(threads: u64, operations: u64, operation: &(impl Fn(u64) + Sync)) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || (0..operations).for_each(|number| operation(number * threads + thread)));
        }
    });
    start.elapsed().as_secs_f64()
}
