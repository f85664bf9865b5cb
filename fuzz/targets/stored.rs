//! The stored records: an arbitrary value in the place of any of them admits nobody, and makes nobody wait for ever.

#![no_main]

use std::{
    cell::RefCell,
    future::Future,
    time::{Duration, SystemTime},
};

use arbitrary::Arbitrary;
use data_encoding::BASE64URL_NOPAD;
use http::Request;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower_verify::{
    BoxError, Failure, FailureKind, ManualClock, Verifier,
    diyalog::{CustomerToken, CustomerVerdict, Tokens},
    policy::Throttle,
    taptalk::{
        AccessCheck, AccessVerdict, ApiKey, ApiKeys, Logout, Profile, SocketRequest, SocketVerdict, TicketExchange,
        TicketOffice, TicketParameters, TicketRequest, TicketVerdict, TokenRefresh, TokenVerdict, UserPlatform,
    },
    token::{Key, KeyRing},
    verifier_fn,
};
use tower_verify_fuzz::store::FuzzStore;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Throttle { before: Vec<bool>, change: Change<'a>, clock: i32, fails_after: Option<u8> },
    Register { token: Change<'a>, subject: Change<'a>, grace: Option<bool>, used: bool, fails_after: Option<u8> },
    Office { ask: Ask, login: Change<'a>, user: Change<'a>, revoked: Change<'a>, late: u32, fails_after: Option<u8> },
}

/// The fate of a stored value.
#[derive(Arbitrary, Debug)]
enum Change<'a> {
    Keep,
    Remove,
    Replace(&'a [u8]),
    /// Each is a place, a byte, and whether to replace, remove or insert.
    Edit(Vec<(u8, u8, u8)>),
}

#[derive(Arbitrary, Debug)]
enum Ask {
    Ticket,
    Exchange,
    Access,
    Socket,
    Refresh,
    Logout,
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Throttle { before, change, clock, fails_after } => {
            run(throttle(&before, &change, clock, fails_after));
        }
        Input::Register { token, subject, grace, used, fails_after } => {
            run(register(&token, &subject, grace, used, fails_after));
        }
        Input::Office { ask, login, user, revoked, late, fails_after } => {
            run(office(&ask, [&login, &user, &revoked], late, fails_after));
        }
    }
});

/// Runs a future with a time that passes at once.
fn run(future: impl Future<Output = ()>) {
    thread_local! {
        static RUNTIME: RefCell<Runtime> = RefCell::new(
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be built"),
        );
    }
    RUNTIME.with_borrow_mut(|runtime| runtime.block_on(future));
}

impl Change<'_> {
    fn apply(&self, store: &FuzzStore, key: &str) {
        match self {
            Self::Keep => {}
            Self::Remove => store.set(key, None),
            Self::Replace(value) => store.set(key, Some(value)),
            Self::Edit(edits) => {
                let mut value = store.value(key).unwrap_or_default().to_vec();
                for (place, byte, how) in edits {
                    let place = usize::from(*place) % (value.len() + 1);
                    match how % 3 {
                        0 if place < value.len() => value[place] = *byte,
                        1 if place < value.len() => drop(value.remove(place)),
                        _ => value.insert(place, *byte),
                    }
                }
                store.set(key, Some(&value));
            }
        }
    }
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn keys() -> KeyRing {
    KeyRing::new(Key::from_bytes("k", &[7; 32]).expect("it is a key"))
}

async fn throttle(before: &[bool], change: &Change<'_>, jump: i32, fails_after: Option<u8>) {
    const LONGEST: Duration = Duration::from_secs(15 * 60);
    const RESERVATION: Duration = Duration::from_secs(30);

    let (store, clock) = (FuzzStore::default(), ManualClock::new(start()));
    let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
        let good = request.body().dlg_token == "good";
        Ok::<_, BoxError>(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    });
    let name = |request: &Request<CustomerToken>| Some(request.body().customer_no.expose_secret().to_owned());
    let throttle = Throttle::new(verifier, store.clone(), [7; 32], name);
    let throttle = throttle.limit(3, Duration::from_secs(900)).expect("it is a limit").clock(clock.clone());

    let attempt = async |good: bool| {
        let token = if good { "good" } else { "bad" };
        throttle.verify(Request::new(CustomerToken::new("device", token, "customer"))).await
    };
    for good in before.iter().take(8) {
        let _ = attempt(*good).await;
    }
    for key in store.keys() {
        change.apply(&store, &key);
    }
    let seconds = Duration::from_secs(u64::from(jump.unsigned_abs()) % 1_800_000_000);
    clock.set(if jump < 0 { start() - seconds } else { start() + seconds });
    store.fail_after(fails_after);
    let _ = attempt(false).await;
    store.fail_after(None);

    let mut waited = Duration::ZERO;
    loop {
        let failure = match attempt(true).await {
            Ok(verdict) => break assert_eq!(verdict, CustomerVerdict::Validated),
            Err(error) => Failure::from_error(error),
        };
        if failure.kind() != FailureKind::Throttled {
            break; // The record cannot be read.
        }
        let wait = failure.retry_after().expect("it says how long");
        clock.advance(wait);
        waited += wait;
        assert!(waited <= LONGEST + RESERVATION + Duration::from_secs(2), "{waited:?} is beyond the longest wait");
    }
}

async fn register(token: &Change<'_>, subject: &Change<'_>, grace: Option<bool>, used: bool, fails_after: Option<u8>) {
    let store = FuzzStore::default();
    let clock = ManualClock::new(start());
    let mut tokens = Tokens::new("", keys()).expect("the tenant is valid").clock(clock).store(store.clone());
    if let Some(long) = grace {
        tokens = tokens.single_use_with_grace(Duration::from_secs(u64::from(long) * 30));
    }
    let issued = tokens.customer_token("customer", "device").await.expect("the store works");
    let asked = || Request::new(CustomerToken::new("device", issued.token.expose_secret(), "customer"));
    if used {
        assert_eq!(tokens.verify(asked()).await.expect("the store works"), CustomerVerdict::Validated);
    }
    let token_key = format!("dlgc:token:{}", issued.id);
    assert!(store.value(&token_key).is_some(), "the key has another name");
    for key in store.keys() {
        if key.contains(":subject:") {
            subject.apply(&store, &key);
        }
    }
    token.apply(&store, &token_key);
    let known = store.value(&token_key).is_some_and(|record| {
        let (Some(tag), Some(generation)) = (record.get(..16), record.get(16..32)) else { return false };
        let subject = store.value(&format!("dlgc:subject:{}", BASE64URL_NOPAD.encode(tag)));
        let unused = match &record[32..] {
            [] => true,
            // Within the grace, a repeat is as good as the first use.
            [1] => grace.is_none_or(|long| long && used),
            _ => return false,
        };
        subject.as_deref() == Some(generation) && unused
    });
    store.fail_after(fails_after);
    match tokens.verify(asked()).await {
        Ok(verdict) => assert_eq!(verdict == CustomerVerdict::Validated, known, "{verdict:?}"),
        Err(_) => assert!(fails_after.is_some() || !known, "a good token is lost"),
    }
}

async fn office(ask: &Ask, [login, user, revoked]: [&Change<'_>; 3], late: u32, fails_after: Option<u8>) {
    let (store, clock) = (FuzzStore::default(), ManualClock::new(start()));
    let key = || ApiKey::new("id", "secret");
    let office = TicketOffice::new("t", store.clone(), keys()).expect("the tenant is valid");
    let api_keys = || ApiKeys::new([key()]).expect("the key is valid");
    let office = office.server_keys(api_keys()).app_keys(api_keys()).clock(clock.clone());
    let office = office.refresh_patience(Duration::ZERO);

    let profile = || Profile::new("287", "Ann");
    let parameters = || TicketParameters::new(profile(), UserPlatform::Web, "d", "203.0.113.9", "agent");
    let request = || Request::new(TicketRequest::new(key(), parameters()));
    let TicketVerdict::Issued(ticket) = office.verify(request()).await.expect("the store works") else {
        panic!("no ticket is issued");
    };
    let exchange = || Request::new(TicketExchange::new(ticket.ticket.expose_secret(), key()));
    let tokens = match ask {
        Ask::Exchange => None,
        _ => match office.verify(exchange()).await.expect("the store works") {
            TokenVerdict::Issued(tokens) => Some(tokens),
            other => panic!("{other:?}"),
        },
    };
    let access = tokens.as_ref().map_or("", |tokens| tokens.access_token.expose_secret());
    let refresh = tokens.as_ref().map_or("", |tokens| tokens.refresh_token.expose_secret());

    let named = |kind: &str| store.keys().into_iter().find(|key| key.starts_with(&format!("t{kind}")));
    let login_key = named("t:t:l:").expect("there is a login");
    let user_key = format!("tt:t:u:{}", ticket.user_id);
    let revoked_key = format!("tt:t:r:{}", ticket.user_id);
    let name_key = named("t:t:x:").expect("there is a name");
    login.apply(&store, &login_key);
    user.apply(&store, &user_key);
    revoked.apply(&store, if matches!(ask, Ask::Ticket) { &name_key } else { &revoked_key });
    // A refresh within the grace is another one than one after it, and access tokens end after an hour.
    let late = Duration::from_millis(u64::from(late) % (40 * 60 * 1000));
    clock.advance(late);

    let began = 1_800_000_000_000_u64;
    let record = store.value(&login_key);
    let generation = record.as_deref().filter(|record| matches!(record.len(), 3 | 9 | 17));
    let generation = generation.map(|record| u32::from_be_bytes([0, record[0], record[1], record[2]]));
    let renewed_at = record
        .as_deref()
        .and_then(|record| Some(record.get(3..9)?.iter().fold(0, |time, byte| time << 8 | u64::from(*byte))));
    let is_live = match store.value(&revoked_key).as_deref() {
        None => true,
        Some(time) => <[u8; 8]>::try_from(time).is_ok_and(|time| u64::from_be_bytes(time) < began),
    };
    let is_user = store
        .value(&user_key)
        .is_some_and(|profile| serde_json::from_slice::<Vec<String>>(&profile).is_ok_and(|members| members.len() == 8));
    let known = generation.is_some() && is_live && is_user;

    store.fail_after(fails_after);
    let (admitted, expected) = match ask {
        Ask::Ticket => {
            let id = store.value(&name_key);
            let expected = id.is_none_or(|id| id.len() == 4);
            (office.verify(request()).await.map(|verdict| matches!(verdict, TicketVerdict::Issued(_))), expected)
        }
        Ask::Exchange => {
            let issued = office.verify(exchange()).await.map(|verdict| matches!(verdict, TokenVerdict::Issued(_)));
            (issued, known && record.as_deref() == Some(&[0, 0, 0]))
        }
        Ask::Access => {
            let verdict = office.verify(Request::new(AccessCheck::new(access))).await;
            (verdict.map(|verdict| verdict == AccessVerdict::Valid), known && generation >= Some(1))
        }
        Ask::Socket => {
            let verdict = office.verify(Request::new(SocketRequest::new(access))).await;
            let admitted = verdict.map(|verdict| matches!(verdict, SocketVerdict::Verified(_)));
            (admitted, known && generation >= Some(1))
        }
        Ask::Refresh => {
            let now = began + u64::try_from(late.as_millis()).expect("it is short");
            let within = renewed_at.unwrap_or(0).abs_diff(now) < 10_000;
            let verdict = office.verify(Request::new(TokenRefresh::new(refresh))).await;
            let admitted = verdict.map(|verdict| matches!(verdict, TokenVerdict::Issued(_)));
            (admitted, known && (generation == Some(1) || (generation == Some(2) && within)))
        }
        Ask::Logout => {
            let verdict = office.verify(Request::new(Logout::new(access, key()))).await;
            (verdict.map(|verdict| verdict == AccessVerdict::Valid), record.is_some())
        }
    };
    match admitted {
        Ok(admitted) => assert_eq!(admitted, expected),
        Err(_) => assert!(fails_after.is_some() || !expected, "a good credential is lost"),
    }
}
