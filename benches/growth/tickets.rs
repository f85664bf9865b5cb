//! The cost of issuing and exchanging a ticket, by the number of live tickets in a memory store.

use std::time::{Duration, Instant};

use crate::{figures::Figure, office::Office};

const USERS: u64 = 1_000;

/// The number of tickets that are timed at once. The median of many such times leaves interrupted ones out.
const CHUNK: u64 = 100;

/// Times issuing and exchanging tickets in offices with different numbers of live tickets.
pub(crate) fn figures() -> Vec<Figure> {
    let mut issues = Vec::new();
    let mut exchanges = Vec::new();
    for live in [1_000, 10_000, 100_000, 1_000_000] {
        let (mut issue, mut exchange) = (Vec::new(), Vec::new());
        for _ in 0..(1_000_000 / live).min(50) {
            let office = Office::new(2 * live);
            (0..live).for_each(|number| drop(office.issue(number % USERS)));
            // A tenth of them on top, which hardly changes their number.
            for _ in 0..live / 10 / CHUNK {
                let start = Instant::now();
                let tickets: Vec<_> = (0..CHUNK).map(|user| office.issue(user)).collect();
                issue.push(start.elapsed());
                let start = Instant::now();
                tickets.into_iter().for_each(|ticket| office.exchange(ticket));
                exchange.push(start.elapsed());
            }
        }
        let figure = |line: &str, mut times: Vec<Duration>| {
            times.sort_unstable();
            let y = times[times.len() / 2].as_nanos() as u64 / CHUNK;
            Figure { plot: "tickets".into(), line: line.into(), x: live, y }
        };
        issues.push(figure("issue", issue));
        exchanges.push(figure("exchange", exchange));
    }
    issues.into_iter().chain(exchanges).collect()
}
