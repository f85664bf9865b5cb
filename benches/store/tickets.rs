//! The ticket office on the store, with all that it keeps of a ticket.

use crate::{MILLION, memory_of_each, office::Office, timed};

const USERS: u64 = 1_000;

/// Tickets of users who are known: what is added is tickets alone.
pub(crate) fn measure_tickets() {
    let office = Office::new(2 * MILLION);
    (0..USERS).for_each(|user| drop(office.issue(user)));
    memory_of_each("a ticket", || {
        timed(MILLION, "issue, up to a million", |number| drop(office.issue(number % USERS)))
    });
    // A tenth more, which hardly changes how many there are.
    let mut tickets = Vec::with_capacity(MILLION as usize / 10);
    timed(MILLION / 10, "issue, at a million", |number| tickets.push(office.issue(number % USERS)));
    let mut tickets = tickets.into_iter();
    timed(MILLION / 10, "exchange, at a million", |_| office.exchange(tickets.next().expect("a ticket")));
}

/// Tickets of as many users, none of whom was known.
pub(crate) fn measure_users() {
    let office = Office::new(MILLION);
    memory_of_each("a ticket and its user", || {
        timed(MILLION, "issue to a new user, up to a million", |user| drop(office.issue(user)))
    });
}
