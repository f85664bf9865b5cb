//! What a [`MemoryStore`] takes at a million live tickets: of memory, as the operating system sees it, and of one core's
//! time. `cargo bench --bench memory_store`.

use std::{fs, hint::black_box, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use tower_verify::store::{MemoryStore, Store};

const TICKETS: usize = 1_000_000;
const TTL: Duration = Duration::from_secs(300);

/// 25 characters, as a prefix and 128 random bits have.
fn key(number: usize) -> String {
    format!("tt:{:022x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("this needs Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages are a number");
    pages * 4096
}

/// The time that this process has had a core, in seconds: what others do on the machine does not count.
fn seconds_of_core() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("this needs Linux");
    let after_name = stat.rsplit(')').next().expect("the name is in parentheses");
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / 100.0
}

fn timed(what: &str, operation: impl FnMut(usize)) {
    let start = seconds_of_core();
    (0..TICKETS).for_each(operation);
    println!("{what:<40} {:>12.0} /s", TICKETS as f64 / (seconds_of_core() - start));
}

fn main() {
    let store = MemoryStore::new();
    let value = Bytes::from(vec![7; 120]);
    let before = resident_bytes();
    timed("put", |number| store.put(&key(number), value.clone(), TTL).now_or_never().unwrap().unwrap());
    let taken = resident_bytes() - before;
    println!("{:<40} {:>12.1} bytes", "resident a live ticket", taken as f64 / TICKETS as f64);
    timed("get", |number| assert!(black_box(store.get(&key(number)).now_or_never().unwrap().unwrap()).is_some()));
    timed("take", |number| assert!(black_box(store.take(&key(number)).now_or_never().unwrap().unwrap()).is_some()));
    timed("put and take at once", |number| {
        store.put(&key(number), value.clone(), TTL).now_or_never().unwrap().unwrap();
        assert!(store.take(&key(number)).now_or_never().unwrap().unwrap().is_some());
    });
    timed("count", |_| assert!(store.count("counter", 1, TTL).now_or_never().unwrap().is_ok()));
}
