//! The memory and CPU time of a million live entries in the memory store: plain entries, tickets of TapTalk's ticket
//! office, and failed attempts counted by a throttle. And how they scale with threads. `cargo bench --bench store`
//! prints the table.

#[path = "../support/office.rs"]
mod office;

mod guesses;
mod memory;
mod threads;
mod tickets;

use std::{env, error::Error, fs, num::NonZeroUsize, process::Command, slice, thread};

const MILLION: u64 = 1_000_000;

type Measure = fn();

/// Each measure is a process of its own, because a process does not return all memory to the operating system.
const MEASURES: [(&str, Measure); 5] = [
    ("tickets", tickets::measure_tickets),
    ("users", tickets::measure_users),
    ("store", memory::measure),
    ("threads", || threads::measure(&numbers_of_threads())),
    ("guesses", guesses::measure),
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let find = |at: usize| MEASURES.iter().find(|(name, _)| args.get(at).is_some_and(|arg| arg == name));
    if let (Some("run"), Some((_, measure))) = (args.first().map(String::as_str), find(1)) {
        measure();
        return Ok(());
    }
    println!("| what | measured in | |\n|---|---|---:|");
    for (name, _) in find(0).map_or(&MEASURES[..], slice::from_ref) {
        let status = Command::new(env::current_exe()?).args(["run", name]).args(&args).status()?;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
    }
    Ok(())
}

/// Returns the numbers in the arguments. The default is two threads, and as many as the machine has cores.
fn numbers_of_threads() -> Vec<usize> {
    let mut numbers: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    if numbers.is_empty() {
        numbers = vec![2, thread::available_parallelism().map_or(2, NonZeroUsize::get)];
        numbers.dedup();
    }
    numbers
}

/// Runs `operation` `times` times, and prints how many runs take one second of CPU time.
fn timed(times: u64, what: &str, operation: impl FnMut(u64)) {
    let start = seconds_of_core();
    (0..times).for_each(operation);
    println!("| {what} | per second of CPU time | {:.0} |", times as f64 / (seconds_of_core() - start));
}

/// Runs `add`, which adds a million things, and prints the memory of one.
fn memory_of_each(what: &str, add: impl FnOnce()) {
    let before = resident_bytes();
    add();
    println!("| {what} | bytes of memory | {} |", (resident_bytes() - before) / MILLION);
}

/// Returns the CPU time of this thread. Other processes do not affect it.
fn seconds_of_core() -> f64 {
    let times = fs::read_to_string("/proc/thread-self/schedstat").expect("this needs Linux");
    let nanos = times.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok());
    nanos.expect("the first column is not a number") / 1e9
}

/// Returns the resident memory of this process.
fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").expect("this needs Linux");
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second column is not a number") * 4096
}
