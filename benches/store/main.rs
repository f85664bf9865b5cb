//! What a million live entries of the store in memory take: of memory, as the operating system sees it, and of one core's
//! time; by themselves, as tickets of TapTalk's ticket office, and as the failures that a throttle counts. `cargo bench --bench store` prints the table.

#[path = "../support/office.rs"]
mod office;

mod guesses;
mod memory;
mod threads;
mod tickets;

use std::{env, error::Error, fs, process::Command};

const MILLION: u64 = 1_000_000;

type Measure = fn();

/// Each has a process of its own, because a process does not give back what it had.
const MEASURES: [(&str, Measure); 5] = [
    ("tickets", tickets::measure_tickets),
    ("users", tickets::measure_users),
    ("store", memory::measure),
    ("threads", threads::measure),
    ("guesses", guesses::measure),
];

fn main() -> Result<(), Box<dyn Error>> {
    let name = env::args().nth(1).unwrap_or_default();
    if let Some((_, measure)) = MEASURES.iter().find(|(measure, _)| *measure == name) {
        measure();
        return Ok(());
    }
    println!("| what | measured in | |\n|---|---|---:|");
    for (name, _) in MEASURES {
        let status = Command::new(env::current_exe()?).arg(name).status()?;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
    }
    Ok(())
}

/// Does it so many times, and prints how many times a second of one core is enough for.
fn timed(times: u64, what: &str, operation: impl FnMut(u64)) {
    let start = seconds_of_core();
    (0..times).for_each(operation);
    println!("| {what} | in a second of one core | {:.0} |", times as f64 / (seconds_of_core() - start));
}

/// Prints the memory of each of the million things that `add` adds.
fn memory_of_each(what: &str, add: impl FnOnce()) {
    let before = resident_bytes();
    add();
    println!("| {what} | bytes of memory | {} |", (resident_bytes() - before) / MILLION);
}

/// The time that this thread has had a core: what others do on the machine does not count.
fn seconds_of_core() -> f64 {
    let times = fs::read_to_string("/proc/thread-self/schedstat").expect("this needs Linux");
    let nanos = times.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok());
    nanos.expect("the first one is a number") / 1e9
}

/// The memory that this process has.
fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").expect("this needs Linux");
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second one is a number") * 4096
}
