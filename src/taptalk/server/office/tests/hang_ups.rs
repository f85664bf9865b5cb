//! The office when a caller hangs up, after each number of polls.

use std::future::poll_fn;

use tokio::task::yield_now;

use super::{
    at_once::{Yielding, wait_for, wait_for_ticket, yielding_office},
    *,
};

/// More polls than any check needs.
const POLLS: usize = 12;

/// Polls a check at most `polls` times, and drops it if it is not done by then.
async fn hang_up_after<C: Credential>(polls: usize, office: &impl Verifier<C>, credential: C) {
    let mut check = Box::pin(office.verify(Request::new(credential)));
    for _ in 0..polls {
        if poll_fn(|cx| std::task::Poll::Ready(check.as_mut().poll(cx).is_ready())).await {
            return;
        }
        yield_now().await;
    }
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_login_whenever_the_thief_hangs_up() {
    for polls in 1..POLLS {
        let office = yielding_office();
        let exchange = TicketExchange::new(wait_for_ticket(&office).await, app_key());
        let tokens = issued(wait_for(&office, exchange).await);
        let stolen = TokenRefresh::new(tokens.refresh_token);
        let renewed = issued(wait_for(&office, stolen.clone()).await);
        hang_up_after(polls, &office, stolen).await;
        for _ in 0..POLLS {
            yield_now().await;
        }
        let check = AccessCheck::new(renewed.access_token);
        assert_eq!(wait_for(&office, check).await, AccessVerdict::Invalid, "after {polls} polls");
    }
}

#[tokio::test]
async fn a_new_user_is_saved_completely_or_the_reservation_expires() {
    for polls in 0..POLLS {
        let clock = ManualClock::new(START);
        let store = Yielding(MemoryStore::new().clock(clock.clone()).max_entries(3));
        let office = office("t", store, &KeyRing::generate().unwrap(), &clock);
        hang_up_after(polls, &office, request(Profile::new("287", "Ann Example"))).await;
        clock.advance(2 * HOUR);
        // There is room for one user and one ticket only: for this user, however much of it was saved before.
        let exchange = TicketExchange::new(wait_for_ticket(&office).await, app_key());
        let first = issued(wait_for(&office, exchange).await);
        clock.advance(30 * DAY + HOUR);
        let exchange = TicketExchange::new(wait_for_ticket(&office).await, app_key());
        assert_eq!(issued(wait_for(&office, exchange).await).user.user_id, first.user.user_id, "after {polls} polls");
    }
}
