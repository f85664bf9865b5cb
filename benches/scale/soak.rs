//! Two hours in less than a minute: everything that keeps state, under a constant load and a clock that runs ahead.
//!
//! This is no test, as it takes a minute and needs a process of its own for its memory. It fails if the entries of the
//! store or the memory of the process grow after the warm-up.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::FutureExt;
use http::Request;
use tokio::task::yield_now;
use tower_verify::{
    BoxError, Credential, Failure, FailureKind, ManualClock, Verifier,
    policy::{CacheKey, Cached, Throttle},
    store::{MemoryStore, Store},
    taptalk::{
        AccessCheck, AccessVerdict, ApiKey, ApiKeys, Logout, Profile, TicketExchange, TicketOffice, TicketParameters,
        TicketRequest, TicketVerdict, TokenRefresh, TokenVerdict, UserPlatform,
    },
    token::{KeyRing, Register, Signer},
    verifier_fn,
};

use crate::server::resident_bytes;

const STEPS_A_SECOND: u64 = 100;
const STEPS_A_MINUTE: u64 = 60 * STEPS_A_SECOND;

/// Everything expires within 6 minutes, and after that as many entries expire as are added. It takes longer until each
/// of the store's tables has had its share of chance and has the size that it keeps.
const WARM_UP_MINUTES: usize = 60;
const MINUTES: usize = 60;

/// How many minutes are compared: the first ones after the warm-up with the last ones.
const COMPARED: usize = 10;

/// How much more there may be at the end: entries vary by chance, memory with the allocator's luck.
const MOST_ENTRIES: f64 = 1.01;
const MOST_BYTES: f64 = 1024.0 * 1024.0;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const USERS: u64 = 1_000;

/// The accounts that are guessed at. They are few, so that each of them is throttled now and then.
const ACCOUNTS: u64 = 100;

pub(crate) fn run() -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let clock = ManualClock::new(SystemTime::now());
        let node = Node::new(&clock)?;
        println!("| minute | entries | resident memory, KiB |\n|---:|---:|---:|");
        let mut minutes = Vec::new();
        for minute in 1..=WARM_UP_MINUTES + MINUTES {
            for step in 0..STEPS_A_MINUTE {
                node.step(minute as u64 * STEPS_A_MINUTE + step).await?;
                clock.advance(Duration::from_secs(1) / STEPS_A_SECOND as u32);
            }
            let (entries, bytes) = (node.entries()?, resident_bytes("self")?);
            if minute % COMPARED == 0 {
                println!("| {minute} | {entries} | {} |", bytes / 1024);
            }
            minutes.push((entries as f64, bytes as f64));
        }
        let mean = |minutes: &[(f64, f64)]| {
            let sum = minutes.iter().fold((0.0, 0.0), |sum, minute| (sum.0 + minute.0, sum.1 + minute.1));
            (sum.0 / minutes.len() as f64, sum.1 / minutes.len() as f64)
        };
        let (entries, bytes) = mean(&minutes[WARM_UP_MINUTES..][..COMPARED]);
        let (last_entries, last_bytes) = mean(&minutes[WARM_UP_MINUTES + MINUTES - COMPARED..]);
        if last_entries > MOST_ENTRIES * entries {
            return Err(format!("the store has grown from {entries:.0} to {last_entries:.0} entries").into());
        }
        if last_bytes > bytes + MOST_BYTES {
            return Err(format!("the memory has grown from {bytes:.0} to {last_bytes:.0} bytes").into());
        }
        Ok(())
    })
}

/// A guess at an account.
#[derive(Clone, Copy)]
struct Guess {
    account: u64,
    right: bool,
}

impl Credential for Guess {
    type Verdict = bool;
}

/// Everything that keeps state, on one store.
struct Node<T, C> {
    store: Arc<MemoryStore>,
    office: TicketOffice<Arc<MemoryStore>>,
    register: Register<Arc<MemoryStore>>,
    throttle: T,
    cached: C,
}

impl Node<(), ()> {
    fn new(clock: &ManualClock) -> Result<Node<impl Verifier<Guess> + use<>, impl Verifier<Guess> + use<>>, BoxError> {
        let store = Arc::new(MemoryStore::new().clock(clock.clone()));
        let office = TicketOffice::new("example", Arc::clone(&store), KeyRing::generate()?)?
            .server_keys(ApiKeys::new([ApiKey::new("backend", "s3cr3t")])?)
            .app_keys(ApiKeys::new([ApiKey::new("android", "pl41n")])?)
            .ticket_ttl(FIVE_MINUTES)?
            .access_token_ttl(Duration::from_secs(60))?
            .refresh_token_ttl(FIVE_MINUTES)?
            .clock(clock.clone());
        let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?.clock(clock.clone());
        let register =
            Register::new(signer, Arc::clone(&store), FIVE_MINUTES).single_use_with_grace(Duration::from_secs(10));
        let principal = |request: &Request<Guess>| Some(request.body().account.to_be_bytes());
        let throttle = Throttle::new(verifier_fn(verify), Arc::clone(&store), [7; 32], principal)
            .limit(10, Duration::from_secs(120))?
            .waits(Duration::from_secs(10), Duration::from_secs(60))?
            .clock(clock.clone());
        let key = |request: &Request<Guess>, key: &mut CacheKey| {
            let Guess { account, right } = request.body();
            key.principal(account.to_be_bytes()).part([u8::from(*right)]);
        };
        let cached = Cached::new(verifier_fn(verify), key)?.clock(clock.clone());
        Ok(Node { store, office, register, throttle, cached })
    }
}

/// Waits for a moment, so that a caller can hang up in it.
async fn verify(guess: Request<Guess>) -> Result<bool, BoxError> {
    yield_now().await;
    Ok(guess.body().right)
}

impl<T: Verifier<Guess>, C: Verifier<Guess>> Node<T, C> {
    /// Does a hundredth of a second's work.
    async fn step(&self, number: u64) -> Result<(), BoxError> {
        self.use_store(number).await?;
        self.use_office(number).await?;
        self.use_register(number).await?;
        self.guess(number).await?;
        self.look_up(number).await?;
        // What callers left behind ends in the background.
        yield_now().await;
        Ok(())
    }

    /// Values that live for up to five minutes. Every second one is taken after ten seconds, if it still lives.
    async fn use_store(&self, number: u64) -> Result<(), BoxError> {
        let key = |number| format!("value:{number}");
        self.store.put(&key(number), Bytes::from_static(&[7; 120]), Duration::from_secs(1 + number % 300)).await?;
        if number.is_multiple_of(2) {
            self.store.take(&key(number - 10 * STEPS_A_SECOND)).await?;
        }
        Ok(())
    }

    /// A ticket, which is left, exchanged, refreshed, or logged out.
    async fn use_office(&self, number: u64) -> Result<(), BoxError> {
        let profile = Profile::new((number % USERS).to_string(), "Ann Example");
        let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
        let request = TicketRequest::new(ApiKey::new("backend", "s3cr3t"), parameters);
        let TicketVerdict::Issued(ticket) = self.office.verify(Request::new(request)).await? else {
            return Err("no ticket was issued".into());
        };
        let app_key = || ApiKey::new("android", "pl41n");
        if !number.is_multiple_of(4) {
            let exchange = TicketExchange::new(ticket.ticket, app_key());
            let TokenVerdict::Issued(tokens) = self.office.verify(Request::new(exchange)).await? else {
                return Err("no token was issued".into());
            };
            if number % 4 == 2 {
                let refresh = TokenRefresh::new(tokens.refresh_token).with_app_key(app_key());
                let refreshed = self.office.verify(Request::new(refresh)).await?;
                assert!(matches!(refreshed, TokenVerdict::Issued(_)), "{refreshed:?}");
            } else if number % 4 == 3 {
                let check = AccessCheck::new(tokens.access_token.clone()).with_app_key(app_key());
                assert_eq!(self.office.verify(Request::new(check)).await?, AccessVerdict::Valid);
                let logout = Logout::new(tokens.access_token, app_key());
                assert_eq!(self.office.verify(Request::new(logout)).await?, AccessVerdict::Valid);
            }
        }
        if number.is_multiple_of(1_000) {
            self.office.revoke_user(&ticket.user_id).await?;
        }
        Ok(())
    }

    /// A token for single use, which is used, and a subject that is revoked now and then.
    async fn use_register(&self, number: u64) -> Result<(), BoxError> {
        let subject = (number % USERS).to_be_bytes();
        let issued = self.register.issue(&subject, &[b"device-7"]).await?;
        if number.is_multiple_of(2) {
            self.register.check(&subject, issued.token.expose_secret(), &[b"device-7"]).await??;
        }
        if number.is_multiple_of(64) {
            self.register.revoke(&subject).await?;
        }
        Ok(())
    }

    /// A wrong guess at a made-up account, a right or a wrong one at a real account, or a caller that hangs up.
    async fn guess(&self, number: u64) -> Result<(), BoxError> {
        let (made_up, real) = (ACCOUNTS + number, number / 4 % ACCOUNTS);
        let guess = match number % 4 {
            0 => Guess { account: made_up, right: false },
            turn => Guess { account: real, right: turn == 1 },
        };
        let guess = self.throttle.verify(Request::new(guess));
        if number % 4 == 3 {
            drop(guess.now_or_never());
            return Ok(());
        }
        match guess.await.map_err(Failure::from_error) {
            Err(failure) if failure.kind() != FailureKind::Throttled => Err(failure.into()),
            _ => Ok(()),
        }
    }

    /// A right credential that is checked again and again, a made-up one, or a caller that hangs up.
    async fn look_up(&self, number: u64) -> Result<(), BoxError> {
        let (made_up, real) = (USERS + number, number % USERS);
        let guess = match number % 2 {
            0 => Guess { account: made_up, right: number.is_multiple_of(16) },
            _ => Guess { account: real, right: true },
        };
        let look_up = self.cached.verify(Request::new(guess));
        if number % 8 == 4 {
            drop(look_up.now_or_never());
        } else {
            look_up.await?;
        }
        Ok(())
    }

    /// The number of entries in the store.
    fn entries(&self) -> Result<u64, BoxError> {
        let store = format!("{:?}", self.store);
        let (_, entries) = store.split_once(" entries: ").ok_or("the store does not show its entries")?;
        Ok(entries.split(',').next().unwrap_or_default().parse()?)
    }
}
