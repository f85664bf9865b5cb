//! The ticket office on the store, with everything that it keeps for a ticket.

use crate::{MILLION, memory_of_each, office::Office, timed};

const USERS: u64 = 1_000;

/// Measures tickets of known users, for which the office adds tickets only.
pub(crate) fn measure_tickets() {
    let office = Office::new(2 * MILLION);
    (0..USERS).for_each(|user| drop(office.issue(user)));
    memory_of_each("a ticket", || {
        timed(MILLION, "issue, up to a million", |number| drop(office.issue(number % USERS)))
    });
    // A tenth of them on top, which hardly changes their number.
    let mut tickets = Vec::with_capacity(MILLION as usize / 10);
    timed(MILLION / 10, "issue, at a million", |number| tickets.push(office.issue(number % USERS)));
    let mut tickets = tickets.into_iter();
    timed(MILLION / 10, "exchange, at a million", |_| office.exchange(tickets.next().expect("a ticket")));
}

/// Measures tickets of new users, each for another one.
pub(crate) fn measure_users() {
    let office = Office::new(MILLION);
    memory_of_each("a ticket and its user", || {
        timed(MILLION, "issue to a new user, up to a million", |user| drop(office.issue(user)))
    });
}
