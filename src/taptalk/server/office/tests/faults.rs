//! The office when the store is unavailable, or no user id is free.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;
use crate::store::StoreError;

/// A wrapper around a working store that fails, or reports ids as taken, as a test configures it.
struct Rigged {
    store: MemoryStore,
    /// Whether every operation fails.
    away: bool,
    /// How many more user ids are reported as taken.
    taken_ids: AtomicUsize,
}

impl Rigged {
    fn new(away: bool, taken_ids: usize) -> Self {
        Self { store: MemoryStore::new(), away, taken_ids: AtomicUsize::new(taken_ids) }
    }

    fn there(&self) -> Result<(), StoreError> {
        if self.away { Err(StoreError::Unavailable("connection refused".into())) } else { Ok(()) }
    }
}

impl Store for Rigged {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.there()?;
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.there()?;
        self.store.put(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.there()?;
        let take_one = |left: usize| left.checked_sub(1);
        if key.starts_with("tt:t:u:")
            && self.taken_ids.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one).is_ok()
        {
            return Ok(Some(Bytes::from_static(b"another user")));
        }
        self.store.claim(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.there()?;
        self.store.take(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.there()?;
        self.store.replace(key, expected, new, ttl).await
    }
}

#[test]
fn an_unavailable_store_is_an_error_unless_the_check_needs_no_store() {
    let Fixture { clock, keys, office: open, .. } = fixture();
    let (unused, tokens) = (ticket(&open), log_in(&open));
    let closed = office("t", Rigged::new(true, 0), &keys, &clock);
    assert!(try_ask(&closed, request(Profile::new("287", "Ann Example"))).is_err());
    assert!(try_ask(&closed, TicketExchange::new(unused.clone(), app_key())).is_err());
    assert!(try_ask(&closed.clone().single_use(false), TicketExchange::new(unused.clone(), app_key())).is_err());
    assert!(try_ask(&closed, TokenRefresh::new(tokens.refresh_token.clone())).is_err());
    assert!(try_ask(&closed, AccessCheck::new(tokens.access_token.clone())).is_err());

    let unknown = TicketExchange::new(unused.clone(), ApiKey::new("android", "guess"));
    assert_eq!(ask(&closed, unknown), TokenVerdict::KeyRefused(KeyRefusal::Unknown));
    assert_eq!(exchange(&closed, &"garbage".into()), TokenVerdict::Invalid);
    assert_eq!(ask(&closed, AccessCheck::new(unused.clone())), AccessVerdict::Invalid);
    clock.advance(30 * DAY);
    assert_eq!(exchange(&closed, &unused), TokenVerdict::Expired);
    assert_eq!(refresh(&closed, &tokens), TokenVerdict::Expired);
    assert_eq!(check(&closed, &tokens), AccessVerdict::Expired);
}

/// A clock in tokio's time, which a test can pause.
struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        START + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_waits_for_its_store_as_long_as_it_may() {
    let Fixture { keys, office: open, .. } = fixture();
    let tokens = log_in(&open);
    let away = || TicketOffice::new("t", Rigged::new(true, 0), keys.clone()).unwrap();
    let begun = tokio::time::Instant::now();
    for (grace, patience, expected) in [(10, 3, 3), (10, 0, 0), (0, 3, 0)] {
        let office = away()
            .app_keys(ApiKeys::new([app_key()]).unwrap())
            .clock(TokioClock(begun))
            .refresh_grace(Duration::from_secs(grace))
            .unwrap()
            .refresh_patience(Duration::from_secs(patience));
        let asked = tokio::time::Instant::now();
        let request = Request::new(TokenRefresh::new(tokens.refresh_token.clone()));
        assert!(office.verify(request).await.is_err());
        assert_eq!(asked.elapsed(), Duration::from_secs(expected));
    }
}

#[test]
fn a_taken_user_id_is_not_given_again() {
    let clock = ManualClock::new(START);
    let busy = office("t", Rigged::new(false, 3), &KeyRing::generate().unwrap(), &clock);
    let tokens = issued(exchange(&busy, &ticket(&busy)));
    assert_eq!(tokens.user.profile, Profile::new("287", "Ann Example"));
    let full = office("t", Rigged::new(false, usize::MAX), &KeyRing::generate().unwrap(), &clock);
    assert!(try_ask(&full, request(Profile::new("287", "Ann Example"))).is_err());
}
