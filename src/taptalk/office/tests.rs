//! What the office does by the clock, and what happens between two operations of its store. What it does on every store
//! is in `tests/state`.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{FutureExt, future::try_join_all};
use http::Request;
use static_assertions::assert_impl_all;
use tokio::task::yield_now;

use super::{login::Login, *};
use crate::{
    BoxError, Credential, ManualClock, Secret, Verifier,
    store::{MemoryStore, SharedStore, Store, StoreError},
    taptalk::{
        AccessCheck, AccessVerdict, ApiKey, Profile, Ticket, TicketExchange, TicketParameters, TicketRequest,
        TicketVerdict, TokenRefresh, TokenVerdict, Tokens, UserPlatform,
    },
    token::Key,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MILLI: Duration = Duration::from_millis(1);
const START: SystemTime = SystemTime::UNIX_EPOCH;

assert_impl_all!(TicketOffice<SharedStore>: Send, Sync, Clone, fmt::Debug);

type Office = TicketOffice<Arc<MemoryStore>>;

struct Fixture {
    clock: ManualClock,
    store: Arc<MemoryStore>,
    keys: KeyRing,
    office: Office,
}

fn fixture() -> Fixture {
    let clock = ManualClock::new(START);
    let store = Arc::new(MemoryStore::new().clock(clock.clone()));
    let keys = KeyRing::generate().unwrap();
    let office = office("t", Arc::clone(&store), &keys, &clock);
    Fixture { clock, store, keys, office }
}

fn office<S: Store>(tenant: &str, store: S, keys: &KeyRing, clock: &ManualClock) -> TicketOffice<S> {
    TicketOffice::new(tenant, store, keys.clone())
        .unwrap()
        .server_keys(ApiKeys::new([server_key()]).unwrap())
        .app_keys(ApiKeys::new([app_key()]).unwrap())
        .clock(clock.clone())
}

fn server_key() -> ApiKey {
    ApiKey::new("backend", "s3cr3t")
}

fn app_key() -> ApiKey {
    ApiKey::new("android", "pl41n")
}

fn request(profile: Profile) -> TicketRequest {
    let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
    TicketRequest::new(server_key(), parameters)
}

/// What `office` says to `credential`. Nothing waits in a store in memory.
fn try_ask<C: Credential>(office: &impl Verifier<C>, credential: C) -> Result<C::Verdict, BoxError> {
    office.verify(Request::new(credential)).now_or_never().expect("nothing is pending")
}

fn ask<C: Credential>(office: &impl Verifier<C>, credential: C) -> C::Verdict {
    try_ask(office, credential).unwrap()
}

fn ticket_for(office: &impl Verifier<TicketRequest>, profile: Profile) -> Ticket {
    match ask(office, request(profile)) {
        TicketVerdict::Issued(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

fn ticket(office: &impl Verifier<TicketRequest>) -> Secret {
    ticket_for(office, Profile::new("287", "Ann Example")).ticket
}

fn exchange(office: &impl Verifier<TicketExchange>, ticket: &Secret) -> TokenVerdict {
    ask(office, TicketExchange::new(ticket.clone(), app_key()))
}

fn refresh(office: &impl Verifier<TokenRefresh>, tokens: &Tokens) -> TokenVerdict {
    ask(office, TokenRefresh::new(tokens.refresh_token.clone()))
}

fn check(office: &impl Verifier<AccessCheck>, tokens: &Tokens) -> AccessVerdict {
    ask(office, AccessCheck::new(tokens.access_token.clone()))
}

#[track_caller]
fn issued(verdict: TokenVerdict) -> Tokens {
    match verdict {
        TokenVerdict::Issued(tokens) => *tokens,
        other => panic!("{other:?}"),
    }
}

fn log_in(office: &Office) -> Tokens {
    issued(exchange(office, &ticket(office)))
}

#[test]
fn a_ticket_buys_tokens_and_they_are_renewed() {
    let Fixture { clock, office, .. } = fixture();
    let mut profile = Profile::new("287", "Ann Example");
    profile.email = Some("ann@example.com".into());
    let ticket = ticket_for(&office, profile.clone());

    let first = issued(exchange(&office, &ticket.ticket));
    assert_eq!(first.user.user_id, ticket.user_id);
    assert_eq!(first.user.profile, profile);
    assert_eq!(first.access_token_expiry, START + HOUR);
    assert_eq!(first.refresh_token_expiry, START + 30 * DAY);
    assert_eq!(check(&office, &first), AccessVerdict::Valid);

    clock.advance(HOUR - MILLI);
    assert_eq!(check(&office, &first), AccessVerdict::Valid);
    clock.advance(MILLI);
    assert_eq!(check(&office, &first), AccessVerdict::Expired);

    let second = issued(refresh(&office, &first));
    assert_eq!(second.user, first.user);
    assert_eq!(second.refresh_token_expiry, START + HOUR + 30 * DAY);
    assert_eq!(check(&office, &second), AccessVerdict::Valid);
    let all = [&first.access_token, &first.refresh_token, &second.access_token, &second.refresh_token, &ticket.ticket];
    let distinct: HashSet<_> = all.iter().map(|token| token.expose_secret()).collect();
    assert_eq!(distinct.len(), 5);
    assert!(all.iter().all(|token| token.len() <= 100));
}

#[test]
fn a_login_lives_as_long_as_it_is_renewed() {
    let Fixture { clock, office, .. } = fixture();
    let mut tokens = log_in(&office);
    for _ in 0..12 {
        clock.advance(30 * DAY - MILLI);
        tokens = issued(refresh(&office, &tokens));
        assert_eq!(check(&office, &tokens), AccessVerdict::Valid);
    }
    clock.advance(30 * DAY);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Expired);
    assert_eq!(check(&office, &tokens), AccessVerdict::Expired);
}

#[test]
fn a_ticket_is_good_for_an_hour() {
    let Fixture { clock, office, .. } = fixture();
    let [one, other] = [ticket(&office), ticket(&office)];
    clock.advance(HOUR - MILLI);
    issued(exchange(&office, &one));
    clock.advance(MILLI);
    assert_eq!(exchange(&office, &other), TokenVerdict::Expired);
    assert_eq!(exchange(&office, &one), TokenVerdict::Expired);
}

#[test]
fn a_store_whose_clock_is_ahead_of_ours_does_not_shorten_a_ticket() {
    let [here, ahead] = [ManualClock::new(START), ManualClock::new(START)];
    let store = MemoryStore::new().clock(ahead.clone());
    let office = office("t", store, &KeyRing::generate().unwrap(), &here);
    let [one, other] = [ticket(&office), ticket(&office)];
    let tokens = issued(exchange(&office, &one));
    here.advance(HOUR - MILLI);
    ahead.advance(HOUR + Duration::from_secs(59));
    issued(exchange(&office, &other));
    here.advance(30 * DAY - HOUR);
    ahead.advance(30 * DAY - HOUR);
    issued(refresh(&office, &tokens));
}

#[test]
fn only_a_known_backend_gets_a_ticket() {
    let Fixture { office, .. } = fixture();
    for key in [ApiKey::new("backend", "guess"), ApiKey::new("other", "s3cr3t"), app_key()] {
        let request = TicketRequest { server_key: key, ..request(Profile::new("287", "Ann Example")) };
        assert_eq!(ask(&office, request), TicketVerdict::UnknownKey);
    }
    let unconfigured = TicketOffice::new("t", MemoryStore::new(), KeyRing::generate().unwrap()).unwrap();
    assert_eq!(ask(&unconfigured, request(Profile::new("287", "Ann Example"))), TicketVerdict::UnknownKey);
}

#[test]
fn what_the_office_did_not_issue_for_this_is_invalid() {
    let Fixture { clock, store, keys, office: here } = fixture();
    let (unused, tokens) = (ticket(&here), log_in(&here));
    let other_keys = office("t", Arc::clone(&store), &KeyRing::generate().unwrap(), &clock);
    let other_tenant = office("u", Arc::clone(&store), &keys, &clock);
    let mut changed = unused.expose_secret().to_owned();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    let wrong = [
        "".into(),
        "ttk".into(),
        "605b32dd".into(),
        changed.into(),
        format!("{}A", unused.expose_secret()).into(),
        ticket(&other_keys),
        ticket(&other_tenant),
    ];
    for token in wrong.iter().chain([&tokens.access_token, &tokens.refresh_token]) {
        assert_eq!(exchange(&here, token), TokenVerdict::Invalid);
    }
    for token in wrong.iter().chain([&unused, &tokens.access_token]) {
        assert_eq!(ask(&here, TokenRefresh::new(token.clone())), TokenVerdict::Invalid);
    }
    for token in wrong.iter().chain([&unused, &tokens.refresh_token]) {
        assert_eq!(ask(&here, AccessCheck::new(token.clone())), AccessVerdict::Invalid);
    }
    assert_eq!(check(&here, &tokens), AccessVerdict::Valid);
}

#[test]
fn a_user_keeps_the_id_and_has_the_last_profile() {
    let Fixture { clock, store, keys, office: here } = fixture();
    let mut profile = Profile::new("287", "Ann Example");
    profile.email = Some("ann@example.com".into());
    let first = ticket_for(&here, profile.clone());
    clock.advance(50 * 365 * DAY);
    profile.full_name = "Ann Married".into();
    profile.email = None;
    profile.phone = Some("+6281234567".into());
    let second = ticket_for(&here, profile.clone());
    assert_eq!(second.user_id, first.user_id);
    let tokens = issued(exchange(&here, &second.ticket));
    assert_eq!(tokens.user.profile, profile);

    let other = ticket_for(&here, Profile::new("288", "Bob Example"));
    assert_ne!(other.user_id, first.user_id);
    let elsewhere = office("u", store, &keys, &clock);
    assert_ne!(ticket_for(&elsewhere, profile).user_id, first.user_id);
}

#[test]
fn an_expired_refresh_token_ends_nothing() {
    let Fixture { clock, office, .. } = fixture();
    let first = log_in(&office);
    clock.advance(20 * DAY);
    let second = issued(refresh(&office, &first));
    clock.advance(10 * DAY);
    assert_eq!(refresh(&office, &first), TokenVerdict::Expired);
    issued(refresh(&office, &second));
}

#[test]
fn a_login_that_the_store_does_not_have_is_over() {
    let Fixture { store, office, .. } = fixture();
    let (unused, tokens) = (ticket(&office), log_in(&office));
    let login = Login::of(office.ticket.check(unused.expose_secret(), &[]).unwrap().id);
    store.take(&login.key("t")).now_or_never().unwrap().unwrap().expect("the ticket's login");
    assert_eq!(exchange(&office.clone().single_use(false), &unused), TokenVerdict::Invalid);
    assert_eq!(exchange(&office, &unused), TokenVerdict::Invalid);

    let login = Login::of(office.access.check(tokens.access_token.expose_secret(), &[]).unwrap().id);
    store.take(&login.key("t")).now_or_never().unwrap().unwrap().expect("the tokens' login");
    assert_eq!(check(&office, &tokens), AccessVerdict::Invalid);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Invalid);
}

#[test]
fn a_login_without_its_user_is_over() {
    let Fixture { store, office, .. } = fixture();
    let (unused, tokens) = (ticket(&office), log_in(&office));
    let user = format!("tt:t:u:{}", tokens.user.user_id);
    store.take(&user).now_or_never().unwrap().unwrap().expect("the user");
    assert_eq!(exchange(&office.clone().single_use(false), &unused), TokenVerdict::Invalid);
    assert_eq!(exchange(&office, &unused), TokenVerdict::Invalid);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Invalid);
}

#[test]
fn a_store_that_went_back_refuses_what_is_newer_than_itself() {
    let Fixture { store, office, .. } = fixture();
    let first = log_in(&office);
    let second = issued(refresh(&office, &first));
    let login = |tokens: &Tokens| Login::of(office.access.check(tokens.access_token.expose_secret(), &[]).unwrap().id);
    let old = login(&first);
    store.put(&old.key("t"), old.record(), HOUR).now_or_never().unwrap().unwrap();
    assert_eq!(check(&office, &first), AccessVerdict::Valid);
    assert_eq!(check(&office, &second), AccessVerdict::Invalid);
    assert_eq!(refresh(&office, &second), TokenVerdict::Invalid);
}

#[test]
fn a_ticket_for_several_uses_begins_a_login_with_each() {
    let Fixture { clock, office, .. } = fixture();
    let office = office.single_use(false);
    let ticket = ticket(&office);
    let [one, other] = [issued(exchange(&office, &ticket)), issued(exchange(&office, &ticket))];
    let renewed = issued(refresh(&office, &one));
    assert_eq!(refresh(&office, &one), TokenVerdict::Invalid);
    assert_eq!(check(&office, &renewed), AccessVerdict::Invalid);
    assert_eq!(check(&office, &other), AccessVerdict::Valid);
    issued(exchange(&office, &ticket));
    clock.advance(HOUR);
    assert_eq!(exchange(&office, &ticket), TokenVerdict::Expired);
    issued(refresh(&office, &other));
}

#[test]
fn keys_are_rotated_while_the_office_is_open() {
    let Fixture { clock, keys, office, .. } = fixture();
    let tokens = log_in(&office);
    let old = office.server_keys.clone();
    old.rotate(ApiKeys::new([ApiKey::new("backend", "new")]).unwrap());
    assert_eq!(ask(&office.clone(), request(Profile::new("287", "Ann"))), TicketVerdict::UnknownKey);
    old.rotate(ApiKeys::new([server_key(), ApiKey::new("backend", "new")]).unwrap());
    let unused = ticket(&office);

    let [one, other] = [Key::generate().unwrap(), Key::generate().unwrap()];
    keys.rotate(KeyRing::new(one.clone()));
    assert_eq!(check(&office, &tokens), AccessVerdict::Invalid);
    assert_eq!(exchange(&office, &unused), TokenVerdict::Invalid);
    let tokens = log_in(&office);
    keys.rotate(KeyRing::new(other).with_previous(one, clock.now() + DAY).unwrap());
    assert_eq!(check(&office, &tokens), AccessVerdict::Valid);
    let renewed = issued(refresh(&office, &tokens));
    clock.advance(DAY);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Invalid);
    issued(refresh(&office, &renewed));
}

#[test]
fn lifetimes_are_as_they_are_set() {
    let Fixture { clock, office, .. } = fixture();
    let office = office
        .ticket_lifetime(Duration::from_secs(10))
        .and_then(|office| office.access_token_lifetime(3 * HOUR))
        .and_then(|office| office.refresh_token_lifetime(HOUR))
        .unwrap();
    let late = ticket(&office);
    let tokens = log_in(&office);
    clock.advance(Duration::from_secs(10));
    assert_eq!(exchange(&office, &late), TokenVerdict::Expired);
    clock.advance(HOUR);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Expired);
    clock.advance(HOUR);
    assert_eq!(check(&office, &tokens), AccessVerdict::Valid);

    assert!(office.clone().ticket_lifetime(Duration::ZERO).is_err());
    assert!(office.clone().access_token_lifetime(Duration::ZERO).is_err());
    assert!(office.refresh_token_lifetime(Duration::ZERO).is_err());
    let ages = fixture().office.refresh_token_lifetime(Duration::MAX).unwrap();
    assert_eq!(check(&ages, &log_in(&ages)), AccessVerdict::Valid);
}

#[test]
fn a_tenant_is_plain_text() {
    let new = |tenant: &str| TicketOffice::new(tenant, MemoryStore::new(), KeyRing::generate().unwrap());
    for tenant in ["", "example.com", "a_b-C.7", &"x".repeat(32)] {
        assert!(new(tenant).is_ok(), "{tenant}");
    }
    for tenant in ["a:b", "a b", "\u{e9}", "a\n", &"x".repeat(33)] {
        assert!(new(tenant).is_err(), "{tenant}");
    }
}

#[test]
fn debug_shows_no_key() {
    let debug = format!("{:?}", fixture().office);
    assert!(!debug.contains("s3cr3t") && !debug.contains("pl41n"), "{debug}");
}

#[test]
fn a_live_ticket_takes_at_most_250_bytes() {
    const TICKETS: usize = 1000;
    // What is left of it is room for the one user.
    let store = MemoryStore::new().max_bytes(TICKETS * 250);
    let office =
        office("a-tenant-with-a-name-of-32-chars", store, &KeyRing::generate().unwrap(), &ManualClock::new(START));
    for _ in 0..TICKETS {
        ticket(&office);
    }
}

/// A store that lets everybody else go first, each time: whatever can happen between two operations does.
struct Yielding(MemoryStore);

impl Store for Yielding {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        self.0.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        yield_now().await;
        self.0.put(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        self.0.claim(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        self.0.take(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        yield_now().await;
        self.0.replace(key, expected, new, ttl).await
    }

    async fn count(&self, key: &str, change: i64, ttl: Duration) -> Result<u64, StoreError> {
        yield_now().await;
        self.0.count(key, change, ttl).await
    }
}

fn yielding_office() -> TicketOffice<Yielding> {
    office("t", Yielding(MemoryStore::new()), &KeyRing::generate().unwrap(), &ManualClock::new(START))
}

/// What `office` says to each of `credentials`, which come at the same time.
async fn ask_at_once<C: Credential, O: Verifier<C>>(office: &O, credentials: Vec<C>) -> Vec<C::Verdict> {
    let verdicts = credentials.into_iter().map(|credential| office.verify(Request::new(credential)));
    try_join_all(verdicts).await.unwrap()
}

fn all_issued(verdicts: Vec<TokenVerdict>) -> Vec<Tokens> {
    let issued = |verdict| match verdict {
        TokenVerdict::Issued(tokens) => Some(*tokens),
        other => {
            assert_eq!(other, TokenVerdict::Invalid);
            None
        }
    };
    verdicts.into_iter().filter_map(issued).collect()
}

async fn wait_for<C: Credential>(office: &impl Verifier<C>, credential: C) -> C::Verdict {
    office.verify(Request::new(credential)).await.unwrap()
}

async fn wait_for_ticket(office: &impl Verifier<TicketRequest>) -> Secret {
    match wait_for(office, request(Profile::new("287", "Ann Example"))).await {
        TicketVerdict::Issued(ticket) => ticket.ticket,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_a_thousand_exchanges_of_one_ticket_one_succeeds() {
    let office = yielding_office();
    let ticket = wait_for_ticket(&office).await;
    let exchanges = vec![TicketExchange::new(ticket, app_key()); 1000];
    let issued = all_issued(ask_at_once(&office, exchanges).await);
    assert_eq!(issued.len(), 1);
    let check = AccessCheck::new(issued[0].access_token.clone());
    assert_eq!(wait_for(&office, check).await, AccessVerdict::Valid);
}

#[tokio::test]
async fn of_many_refreshes_of_one_token_one_succeeds_and_the_login_ends() {
    let office = yielding_office();
    let exchange = TicketExchange::new(wait_for_ticket(&office).await, app_key());
    let tokens = issued(wait_for(&office, exchange).await);
    let refreshes = vec![TokenRefresh::new(tokens.refresh_token); 100];
    let renewed = all_issued(ask_at_once(&office, refreshes).await);
    assert_eq!(renewed.len(), 1);
    let check = AccessCheck::new(renewed[0].access_token.clone());
    assert_eq!(wait_for(&office, check).await, AccessVerdict::Invalid);
    let refresh = TokenRefresh::new(renewed[0].refresh_token.clone());
    assert_eq!(wait_for(&office, refresh).await, TokenVerdict::Invalid);
}

#[tokio::test]
async fn a_user_who_comes_many_times_at_once_is_one_user() {
    let office = yielding_office();
    let requests = vec![request(Profile::new("287", "Ann Example")); 100];
    let mut ids = HashSet::new();
    for verdict in ask_at_once(&office, requests).await {
        let TicketVerdict::Issued(ticket) = verdict else { panic!("{verdict:?}") };
        let exchange = TicketExchange::new(ticket.ticket, app_key());
        assert_eq!(issued(wait_for(&office, exchange).await).user.user_id, ticket.user_id);
        ids.insert(ticket.user_id);
    }
    assert_eq!(ids.len(), 1);
}

/// A store in front of a working one, of which a part fails or answers as the test has it.
struct Rigged {
    store: MemoryStore,
    /// Whether every operation fails.
    away: bool,
    /// How many ids of users are still said to be another's.
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

    async fn count(&self, key: &str, change: i64, ttl: Duration) -> Result<u64, StoreError> {
        self.there()?;
        self.store.count(key, change, ttl).await
    }
}

#[test]
fn without_its_store_the_office_decides_nothing_but_what_needs_none() {
    let Fixture { clock, keys, office: open, .. } = fixture();
    let (unused, tokens) = (ticket(&open), log_in(&open));
    let closed = office("t", Rigged::new(true, 0), &keys, &clock);
    assert!(try_ask(&closed, request(Profile::new("287", "Ann Example"))).is_err());
    assert!(try_ask(&closed, TicketExchange::new(unused.clone(), app_key())).is_err());
    assert!(try_ask(&closed.clone().single_use(false), TicketExchange::new(unused.clone(), app_key())).is_err());
    assert!(try_ask(&closed, TokenRefresh::new(tokens.refresh_token.clone())).is_err());
    assert!(try_ask(&closed, AccessCheck::new(tokens.access_token.clone())).is_err());

    let unknown = TicketExchange::new(unused.clone(), ApiKey::new("android", "guess"));
    assert_eq!(ask(&closed, unknown), TokenVerdict::UnknownKey);
    assert_eq!(exchange(&closed, &"garbage".into()), TokenVerdict::Invalid);
    assert_eq!(ask(&closed, AccessCheck::new(unused.clone())), AccessVerdict::Invalid);
    clock.advance(30 * DAY);
    assert_eq!(exchange(&closed, &unused), TokenVerdict::Expired);
    assert_eq!(refresh(&closed, &tokens), TokenVerdict::Expired);
    assert_eq!(check(&closed, &tokens), AccessVerdict::Expired);
}

#[test]
fn an_id_that_is_taken_is_not_given_again() {
    let clock = ManualClock::new(START);
    let busy = office("t", Rigged::new(false, 3), &KeyRing::generate().unwrap(), &clock);
    let tokens = issued(exchange(&busy, &ticket(&busy)));
    assert_eq!(tokens.user.profile, Profile::new("287", "Ann Example"));
    let full = office("t", Rigged::new(false, usize::MAX), &KeyRing::generate().unwrap(), &clock);
    assert!(try_ask(&full, request(Profile::new("287", "Ann Example"))).is_err());
}
