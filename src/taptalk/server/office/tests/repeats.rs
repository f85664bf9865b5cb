//! Repeated refreshes and exchanges, within their window and after it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use futures_util::future::join_all;

use super::{
    at_once::{Yielding, wait_for, wait_for_ticket},
    *,
};
use crate::{store::StoreError, taptalk::Device};

const WINDOW: Duration = Duration::from_secs(10);

fn lenient() -> Fixture {
    let Fixture { clock, store, keys, office } = fixture();
    let office = office.refresh_grace(WINDOW).unwrap();
    Fixture { clock, store, keys, office }
}

fn refresh_as(office: &Office, tokens: &TokenPair, app_key: ApiKey, device: Device) -> TokenVerdict {
    ask(office, TokenRefresh::new(tokens.refresh_token.clone()).with_app_key(app_key).with_device(device))
}

// Contract: TT-10.
#[test]
fn a_refresh_repeated_within_its_window_gets_the_same_tokens() {
    let Fixture { clock, office, .. } = lenient();
    let first = log_in(&office);
    clock.advance(HOUR);
    let second = issued(refresh(&office, &first));
    for _ in 0..3 {
        clock.advance(WINDOW / 4);
        assert_eq!(issued(refresh(&office, &first)), second);
    }
    assert_eq!(check(&office, &second), AccessVerdict::Valid);
    clock.advance(WINDOW / 4);
    assert_eq!(refresh(&office, &first), TokenVerdict::Invalid);
    assert_eq!(check(&office, &second), AccessVerdict::Invalid, "the login has ended");
    assert_eq!(refresh(&office, &second), TokenVerdict::Invalid);
}

#[test]
fn a_refresh_cannot_be_repeated_after_its_successor_is_used() {
    let Fixture { office, .. } = lenient();
    let first = log_in(&office);
    let second = issued(refresh(&office, &first));
    let third = issued(refresh(&office, &second));
    assert_eq!(issued(refresh(&office, &second)), third);
    assert_eq!(refresh(&office, &first), TokenVerdict::Invalid);
    assert_eq!(check(&office, &third), AccessVerdict::Invalid);
}

#[test]
fn setting_the_clock_back_opens_no_window() {
    let Fixture { clock, office, .. } = lenient();
    let first = log_in(&office);
    clock.advance(DAY);
    let second = issued(refresh(&office, &first));
    clock.advance(HOUR);
    clock.set(clock.now() - 2 * HOUR);
    assert_eq!(refresh(&office, &first), TokenVerdict::Invalid);
    assert_eq!(check(&office, &second), AccessVerdict::Invalid);
}

// Contract: TT-11, TT-40105.
#[test]
fn tokens_are_bound_to_their_app_and_device() {
    let Fixture { office, .. } = lenient();
    let other = ApiKey::new("ios", "pl41n");
    let office = office.app_keys(ApiKeys::new([app_key(), other.clone()]).unwrap());
    let (here, elsewhere) = (Device::new("7a6c"), Device::new("605b"));
    let exchange = TicketExchange::new(ticket(&office), app_key()).with_device(here.clone());
    let tokens = issued(ask(&office, exchange));
    let check_as = |key: Option<ApiKey>, device: &Device| {
        let check = AccessCheck::new(tokens.access_token.clone()).with_device(device.clone());
        ask(
            &office,
            match key {
                Some(key) => check.with_app_key(key),
                None => check,
            },
        )
    };
    for (key, device) in [
        (Some(other.clone()), &here),
        (Some(app_key()), &elsewhere),
        (Some(app_key()), &Device::default()),
        (None, &elsewhere),
    ] {
        assert_eq!(check_as(key, device), AccessVerdict::OtherClient);
    }
    assert_eq!(refresh_as(&office, &tokens, other, here.clone()), TokenVerdict::OtherClient);
    assert_eq!(refresh_as(&office, &tokens, app_key(), elsewhere), TokenVerdict::OtherClient);
    assert_eq!(check_as(Some(app_key()), &here), AccessVerdict::Valid, "a refusal does not end the login");
    assert_eq!(check_as(None, &here), AccessVerdict::Valid);
    let renewed = issued(refresh_as(&office, &tokens, app_key(), here.clone()));
    assert_eq!(refresh(&office, &renewed), TokenVerdict::OtherClient, "the new tokens are bound too");
    issued(refresh_as(&office, &renewed, app_key(), here));

    let unnamed = log_in(&office);
    let check = AccessCheck::new(unnamed.access_token.clone()).with_device(Device::new("any"));
    assert_eq!(ask(&office, check), AccessVerdict::Valid, "a token issued without a device is good on every device");
    let wrong = AccessCheck::new(unnamed.access_token).with_app_key(ApiKey::new("android", "guess"));
    assert_eq!(ask(&office, wrong), AccessVerdict::KeyRefused(KeyRefusal::Unknown));
}

#[test]
fn leaving_out_the_app_key_does_not_evade_a_suspended_key() {
    let Fixture { office, .. } = lenient();
    let tokens = log_in(&office);
    let keys = office.app_keys.clone();
    let suspended = KnownKey::new(app_key()).refused(KeyRefusal::Suspended);
    keys.rotate(ApiKeys::new([suspended.clone(), ApiKey::new("ios", "pl41n").into()]).unwrap());
    assert_eq!(check(&office, &tokens), AccessVerdict::KeyRefused(KeyRefusal::Suspended));
    assert_eq!(refresh(&office, &tokens), TokenVerdict::KeyRefused(KeyRefusal::Suspended));
    keys.rotate(ApiKeys::new([suspended, ApiKey::new("android", "another").into()]).unwrap());
    assert_eq!(check(&office, &tokens), AccessVerdict::Valid, "the app has another key");
    keys.rotate(ApiKeys::new([ApiKey::new("ios", "pl41n")]).unwrap());
    assert_eq!(check(&office, &tokens), AccessVerdict::OtherClient, "the app is no longer known");
}

#[test]
fn with_ticket_grace_the_same_client_may_repeat_an_exchange() {
    let Fixture { clock, office, .. } = lenient();
    let office = office.ticket_grace(WINDOW).unwrap();
    let ticket = ticket(&office);
    let exchange = |device: &str| {
        ask(&office, TicketExchange::new(ticket.clone(), app_key()).with_device(Device::new(device.to_owned())))
    };
    let tokens = issued(exchange("7a6c"));
    clock.advance(WINDOW - MILLI);
    assert_eq!(exchange("605b"), TokenVerdict::Invalid);
    assert_eq!(issued(exchange("7a6c")), tokens);
    clock.advance(MILLI);
    assert_eq!(exchange("7a6c"), TokenVerdict::Invalid);
    let check = AccessCheck::new(tokens.access_token).with_device(Device::new("7a6c"));
    assert_eq!(ask(&office, check), AccessVerdict::Valid);
    assert!(office.clone().ticket_grace(Duration::from_secs(60)).is_ok());
    assert!(office.clone().ticket_grace(Duration::from_secs(61)).is_err());
    assert!(office.refresh_grace(Duration::from_secs(61)).is_err());
}

// Contract: TT-40106.
#[test]
fn a_missing_user_does_not_end_the_login() {
    let Fixture { store, office, .. } = lenient();
    let tokens = log_in(&office);
    let user = format!("tt:t:u:{}", tokens.user.user_id);
    let profile = store.take(&user).now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(check(&office, &tokens), AccessVerdict::NoUser);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::NoUser);
    store.put(&user, profile, HOUR).now_or_never().unwrap().unwrap();
    assert_eq!(check(&office, &tokens), AccessVerdict::Valid);
    issued(refresh(&office, &tokens));
}

fn two_nodes() -> [TicketOffice<Arc<Yielding>>; 2] {
    let (store, keys) = (Arc::new(Yielding(MemoryStore::new())), KeyRing::generate().unwrap());
    [(); 2].map(|()| office("t", Arc::clone(&store), &keys, &ManualClock::new(START)).refresh_grace(WINDOW).unwrap())
}

#[tokio::test]
async fn eight_refreshes_at_once_over_two_nodes_get_one_pair() {
    let nodes = two_nodes();
    let exchange = TicketExchange::new(wait_for_ticket(&nodes[0]).await, app_key());
    let mut tokens = issued(wait_for(&nodes[1], exchange).await);
    for _ in 0..100 {
        let refreshes = (0..8).map(|tab| wait_for(&nodes[tab % 2], TokenRefresh::new(tokens.refresh_token.clone())));
        let pairs: Vec<_> = join_all(refreshes).await.into_iter().map(issued).collect();
        assert!(pairs.iter().all(|pair| *pair == pairs[0]));
        let check = AccessCheck::new(pairs[0].access_token.clone());
        assert_eq!(wait_for(&nodes[0], check).await, AccessVerdict::Valid);
        tokens = pairs[0].clone();
    }
}

/// A store that performs each operation, but reports an error for every third `replace`, after a while.
struct Cut {
    store: MemoryStore,
    clock: ManualClock,
    takes: Duration,
    operations: AtomicUsize,
}

impl Cut {
    fn cut<T>(&self, answer: T) -> Result<T, StoreError> {
        let cut = self.operations.fetch_add(1, SeqCst).is_multiple_of(3);
        if !cut {
            return Ok(answer);
        }
        self.clock.advance(self.takes);
        Err(StoreError::unavailable("the connection broke"))
    }
}

impl Store for Cut {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.store.put(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.store.claim(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.store.take(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.cut(self.store.replace(key, expected, new, ttl).await?)
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_refreshes_with_a_lost_answer_lose_no_login() {
    let (clock, keys) = (ManualClock::new(START), KeyRing::generate().unwrap());
    let store =
        Cut { store: MemoryStore::new(), clock: clock.clone(), takes: Duration::ZERO, operations: AtomicUsize::new(1) };
    let office = office("t", store, &keys, &clock).refresh_grace(WINDOW).unwrap();
    let mut tokens = issued(wait_for(&office, TicketExchange::new(wait_for_ticket(&office).await, app_key())).await);
    for _ in 0..10_000 {
        let refresh = || wait_for(&office, TokenRefresh::new(tokens.refresh_token.clone()));
        // The connection breaks after the request was processed: the client has no response, and repeats it.
        let lost = issued(refresh().await);
        clock.advance(Duration::from_secs(9));
        let repeated = issued(refresh().await);
        assert_eq!(repeated, lost, "there are never two pairs");
        clock.advance(Duration::from_secs(60));
        tokens = repeated;
    }
    assert_eq!(wait_for(&office, AccessCheck::new(tokens.access_token)).await, AccessVerdict::Valid);
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_the_office_after_the_window_is_no_theft() {
    let (clock, keys) = (ManualClock::new(START), KeyRing::generate().unwrap());
    let takes = Duration::from_secs(2);
    let store = Cut { store: MemoryStore::new(), clock: clock.clone(), takes, operations: AtomicUsize::new(2) };
    let office = office("t", store, &keys, &clock).refresh_grace(Duration::from_secs(1)).unwrap();
    let tokens = issued(wait_for(&office, TicketExchange::new(wait_for_ticket(&office).await, app_key())).await);
    // The store has renewed the login, and says so never.
    let tokens = issued(wait_for(&office, TokenRefresh::new(tokens.refresh_token)).await);
    assert_eq!(wait_for(&office, AccessCheck::new(tokens.access_token)).await, AccessVerdict::Valid);
}
