//! The office with a manual clock and with stores that interleave or fail. The tests that hold on every store are in
//! `tests/shared_store`.

mod at_once;
mod faults;
mod hang_ups;
mod repeats;
mod routes;

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use http::Request;
use static_assertions::assert_impl_all;

use super::{login::Login, *};
use crate::{
    BoxError, Credential, ManualClock, Secret, Verifier,
    store::{MemoryStore, SharedStore, Store},
    taptalk::{
        AccessCheck, AccessVerdict, ApiKey, KeyRefusal, Profile, Ticket, TicketExchange, TicketParameters,
        TicketRequest, TicketVerdict, TokenPair, TokenRefresh, TokenVerdict, UserPlatform,
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
        .refresh_grace(Duration::ZERO)
        .unwrap()
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

/// The verdict of `office` on `credential`. With a store in memory, it is never pending.
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

fn refresh(office: &impl Verifier<TokenRefresh>, tokens: &TokenPair) -> TokenVerdict {
    ask(office, TokenRefresh::new(tokens.refresh_token.clone()))
}

fn check(office: &impl Verifier<AccessCheck>, tokens: &TokenPair) -> AccessVerdict {
    ask(office, AccessCheck::new(tokens.access_token.clone()))
}

#[track_caller]
fn issued(verdict: TokenVerdict) -> TokenPair {
    match verdict {
        TokenVerdict::Issued(tokens) => *tokens,
        other => panic!("{other:?}"),
    }
}

fn log_in(office: &Office) -> TokenPair {
    issued(exchange(office, &ticket(office)))
}

#[test]
fn a_ticket_is_exchanged_and_the_tokens_are_refreshed() {
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
fn a_login_lives_as_long_as_it_is_refreshed() {
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
fn a_store_with_its_clock_ahead_does_not_shorten_a_ticket() {
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
        assert_eq!(ask(&office, request), TicketVerdict::KeyRefused(KeyRefusal::Unknown));
    }
    let unconfigured = TicketOffice::new("t", MemoryStore::new(), KeyRing::generate().unwrap()).unwrap();
    assert_eq!(
        ask(&unconfigured, request(Profile::new("287", "Ann Example"))),
        TicketVerdict::KeyRefused(KeyRefusal::Unknown)
    );
}

#[test]
fn a_token_of_another_kind_or_another_office_is_invalid() {
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
fn a_user_keeps_the_id_and_gets_the_latest_profile() {
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
fn an_expired_refresh_token_does_not_end_the_login() {
    let Fixture { clock, office, .. } = fixture();
    let first = log_in(&office);
    clock.advance(20 * DAY);
    let second = issued(refresh(&office, &first));
    clock.advance(10 * DAY);
    assert_eq!(refresh(&office, &first), TokenVerdict::Expired);
    issued(refresh(&office, &second));
}

#[test]
fn a_login_that_is_not_in_the_store_is_refused() {
    let Fixture { store, office, .. } = fixture();
    let (unused, tokens) = (ticket(&office), log_in(&office));
    let login = Login::from_id(office.ticket.check(unused.expose_secret(), &[]).unwrap().id);
    store.take(&login.key("t")).now_or_never().unwrap().unwrap().expect("the ticket's login");
    assert_eq!(exchange(&office.clone().single_use(false), &unused), TokenVerdict::Invalid);
    assert_eq!(exchange(&office, &unused), TokenVerdict::Invalid);

    let login =
        Login::from_id(office.access.check(tokens.access_token.expose_secret(), &[b"android", b""]).unwrap().id);
    store.take(&login.key("t")).now_or_never().unwrap().unwrap().expect("the tokens' login");
    assert_eq!(check(&office, &tokens), AccessVerdict::Invalid);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Invalid);
}

#[test]
fn a_login_without_its_user_is_refused() {
    let Fixture { store, office, .. } = fixture();
    let (unused, tokens) = (ticket(&office), log_in(&office));
    let user = format!("tt:t:u:{}", tokens.user.user_id);
    store.take(&user).now_or_never().unwrap().unwrap().expect("the user");
    assert_eq!(exchange(&office.clone().single_use(false), &unused), TokenVerdict::NoUser);
    assert_eq!(exchange(&office, &unused), TokenVerdict::NoUser);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::NoUser);
}

#[test]
fn a_store_that_went_back_refuses_newer_tokens() {
    let Fixture { store, office, .. } = fixture();
    let first = log_in(&office);
    let second = issued(refresh(&office, &first));
    let login = |tokens: &TokenPair| {
        Login::from_id(office.access.check(tokens.access_token.expose_secret(), &[b"android", b""]).unwrap().id)
    };
    let old = login(&first);
    let record = login::Record { generation: old.generation(), renewed_at: 0, holder: None };
    store.put(&old.key("t"), record.encode(), HOUR).now_or_never().unwrap().unwrap();
    assert_eq!(check(&office, &first), AccessVerdict::Valid);
    assert_eq!(check(&office, &second), AccessVerdict::Invalid);
    assert_eq!(refresh(&office, &second), TokenVerdict::Invalid);
}

#[test]
fn each_exchange_of_a_reusable_ticket_begins_a_login() {
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
fn keys_are_rotated_while_the_office_is_in_use() {
    let Fixture { clock, keys, office, .. } = fixture();
    let tokens = log_in(&office);
    let old = office.server_keys.clone();
    old.rotate(ApiKeys::new([ApiKey::new("backend", "new")]).unwrap());
    assert_eq!(
        ask(&office.clone(), request(Profile::new("287", "Ann"))),
        TicketVerdict::KeyRefused(KeyRefusal::Unknown)
    );
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
fn lifetimes_can_be_set() {
    let Fixture { clock, office, .. } = fixture();
    let office = office
        .ticket_ttl(Duration::from_secs(10))
        .and_then(|office| office.access_token_ttl(3 * HOUR))
        .and_then(|office| office.refresh_token_ttl(HOUR))
        .unwrap();
    let late = ticket(&office);
    let tokens = log_in(&office);
    clock.advance(Duration::from_secs(10));
    assert_eq!(exchange(&office, &late), TokenVerdict::Expired);
    clock.advance(HOUR);
    assert_eq!(refresh(&office, &tokens), TokenVerdict::Expired);
    clock.advance(HOUR);
    assert_eq!(check(&office, &tokens), AccessVerdict::Valid);

    assert!(office.clone().ticket_ttl(Duration::from_nanos(999_999)).is_err());
    assert!(office.clone().access_token_ttl(Duration::from_nanos(999_999)).is_err());
    assert!(office.refresh_token_ttl(Duration::from_nanos(999_999)).is_err());
    let ages = fixture().office.access_token_ttl(Duration::MAX).unwrap().refresh_token_ttl(Duration::MAX).unwrap();
    let tokens = log_in(&ages);
    assert_eq!(check(&ages, &tokens), AccessVerdict::Valid);
    let five_thousand_years = START + Duration::from_secs(157_680_000_000);
    assert_eq!([tokens.access_token_expiry, tokens.refresh_token_expiry], [five_thousand_years; 2]);
}

#[test]
fn a_tenant_is_limited_to_plain_characters() {
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
    // Tickets take less than 250 bytes each, which leaves room for the one user.
    let store = MemoryStore::new().max_bytes(TICKETS * 250);
    let office =
        office("a-tenant-with-a-name-of-32-chars", store, &KeyRing::generate().unwrap(), &ManualClock::new(START));
    for _ in 0..TICKETS {
        ticket(&office);
    }
}
