use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::SystemTime,
};

use futures::executor::block_on;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    Clock, ManualClock,
    store::MemoryStore,
    token::{Key, KeyRing},
};

const TTL: Duration = Duration::from_secs(300);

/// A store in memory that records its arguments, and fails or loses a key at a chosen operation.
struct Probe {
    store: MemoryStore,
    told: Mutex<Vec<(String, Bytes)>>,
    /// How many operations succeed before one fails.
    fails_in: AtomicUsize,
    /// How many times a value disappears right before it is replaced.
    vanishes: AtomicUsize,
}

impl Probe {
    fn new(clock: &ManualClock) -> Self {
        Self {
            store: MemoryStore::new().clock(clock.clone()),
            told: Mutex::default(),
            fails_in: AtomicUsize::new(usize::MAX),
            vanishes: AtomicUsize::new(0),
        }
    }

    fn tell(&self, key: &str, values: &[&Bytes]) -> Result<(), StoreError> {
        let told = values.iter().map(|value| (key.to_owned(), (*value).clone()));
        self.told.lock().unwrap().extend(told);
        match self.fails_in.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(StoreError::Unavailable("the connection was refused".into())),
            _ => Ok(()),
        }
    }
}

impl Store for Probe {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.tell(key, &[])?;
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.tell(key, &[&value])?;
        self.store.put(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.tell(key, &[&value])?;
        self.store.claim(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.tell(key, &[])?;
        self.store.take(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.tell(key, &[&expected, &new])?;
        if self.vanishes.load(Ordering::SeqCst) > 0 {
            self.vanishes.fetch_sub(1, Ordering::SeqCst);
            self.store.take(key).await?;
        }
        self.store.replace(key, expected, new, ttl).await
    }
}

fn ring(ids: &[&str]) -> KeyRing {
    let mut keys = ids.iter().map(|id| Key::from_bytes(id, &[id.as_bytes()[0]; 32]).unwrap());
    let current = KeyRing::new(keys.next().unwrap());
    keys.fold(current, |ring, key| ring.with_next(key).unwrap())
}

fn signer_of(keys: &KeyRing) -> (Signer, ManualClock) {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_millis(1_784_000_000_123));
    (Signer::new("dlgc", "activation", "example.com", keys.clone()).unwrap().clock(clock.clone()), clock)
}

fn register() -> (Register<Arc<Probe>>, Arc<Probe>, ManualClock) {
    let (signer, clock) = signer_of(&ring(&["a"]));
    let store = Arc::new(Probe::new(&clock));
    (Register::new(signer, Arc::clone(&store), TTL), store, clock)
}

fn issue<S: Store>(register: &Register<S>, subject: &[u8]) -> String {
    block_on(register.issue(subject, &[b"device"])).unwrap().token.expose_secret().to_owned()
}

fn check<S: Store>(register: &Register<S>, subject: &[u8], token: &str) -> Option<CheckError> {
    block_on(register.check(subject, token, &[b"device"])).unwrap().err()
}

#[test]
fn a_token_that_the_signer_refuses_is_not_looked_up() {
    let (register, store, clock) = register();
    let token = issue(&register, b"ann");
    assert_eq!(check(&register, b"ann", &token), None);
    store.fails_in.store(0, Ordering::SeqCst);
    assert_eq!(check(&register, b"bob", &token), Some(CheckError::NotOurs));
    assert_eq!(check(&register, b"ann", "dlgc_guess"), Some(CheckError::NotOurs));
    let other = block_on(register.check(b"ann", &token, &[b"other"])).unwrap();
    assert_eq!(other, Err(CheckError::BoundToOther));
    clock.advance(TTL);
    assert_eq!(check(&register, b"ann", &token), Some(CheckError::Expired));
    assert_eq!(store.fails_in.load(Ordering::SeqCst), 0);
}

#[test]
fn revoking_refuses_only_the_subjects_earlier_tokens() {
    let (register, ..) = register();
    let [first, second, of_bob] = [b"ann", b"ann", b"bob"].map(|subject| issue(&register, subject));
    block_on(register.revoke(b"ann")).unwrap();
    assert_eq!(check(&register, b"ann", &first), Some(CheckError::Revoked));
    assert_eq!(check(&register, b"ann", &second), Some(CheckError::Revoked));
    assert_eq!(check(&register, b"bob", &of_bob), None);

    let afterwards = issue(&register, b"ann");
    assert_eq!(check(&register, b"ann", &afterwards), None, "a new token is good at once");
    assert_eq!(check(&register, b"ann", &first), Some(CheckError::Revoked), "a new token makes no revoked one good");
}

#[test]
fn revoking_reaches_the_tokens_of_every_key() {
    let keys = ring(&["a", "b"]);
    let (signer, clock) = signer_of(&keys);
    let register = Register::new(signer, Probe::new(&clock), TTL);
    let of_a = issue(&register, b"ann");
    keys.rotate(ring(&["b", "a"]));
    let of_b = issue(&register, b"ann");
    for token in [&of_a, &of_b] {
        assert_eq!(check(&register, b"ann", token), None);
    }
    block_on(register.revoke(b"ann")).unwrap();
    for token in [&of_a, &of_b] {
        assert_eq!(check(&register, b"ann", token), Some(CheckError::Revoked));
    }
}

#[test]
fn a_later_token_is_good_until_its_own_expiry() {
    let (register, _, clock) = register();
    issue(&register, b"ann");
    clock.advance(TTL - Duration::from_millis(1));
    let later = issue(&register, b"ann");
    clock.advance(TTL - Duration::from_millis(1));
    assert_eq!(check(&register, b"ann", &later), None);
    clock.advance(Duration::from_millis(1));
    assert_eq!(check(&register, b"ann", &later), Some(CheckError::Expired));
}

#[test]
fn a_generation_lost_while_a_token_is_issued_is_started_again() {
    let (register, store, _) = register();
    let before = issue(&register, b"ann");
    store.vanishes.store(1, Ordering::SeqCst);
    let token = issue(&register, b"ann");
    assert_eq!(check(&register, b"ann", &token), None);
    assert_eq!(check(&register, b"ann", &before), Some(CheckError::Revoked));
}

#[test]
fn a_present_id_is_not_used_again() {
    let (register, store, _) = register();
    let issued = block_on(register.issue(b"ann", &[b"device"])).unwrap();
    let known = store.told.lock().unwrap().len();
    assert_eq!(known, 2);
    // The next id of this thread's block, as a forked process would have it.
    let taken = crate::token::issue::peek();
    block_on(store.put(&register.token_key(taken), Bytes::new(), TTL)).unwrap();
    let other = block_on(register.issue(b"ann", &[b"device"])).unwrap();
    assert!(other.id != taken && other.id != issued.id);
    assert_eq!(check(&register, b"ann", other.token.expose_secret()), None);
}

#[test]
fn a_token_that_is_lost_during_its_use_is_refused() {
    let (register, store, _) = register();
    let register = register.single_use_with_grace(Duration::MAX);
    let token = issue(&register, b"ann");
    store.vanishes.store(1, Ordering::SeqCst);
    assert_eq!(check(&register, b"ann", &token), Some(CheckError::Revoked));
}

#[test]
fn a_single_use_can_be_repeated_only_during_the_grace() {
    let (register, _, clock) = register();
    let register = register.single_use_with_grace(Duration::from_secs(60));
    let token = issue(&register, b"ann");
    clock.advance(Duration::from_secs(10));
    assert_eq!(check(&register, b"ann", &token), None);
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(check(&register, b"ann", &token), None, "a repeat does not restart the grace");
    clock.advance(Duration::from_millis(1));
    assert_eq!(check(&register, b"ann", &token), Some(CheckError::Used));
    block_on(register.revoke(b"ann")).unwrap();
    assert_eq!(check(&register, b"ann", &token), Some(CheckError::Revoked));
}

#[test]
fn setting_the_clock_extends_neither_a_token_nor_its_grace() {
    let (register, _, clock) = register();
    let register = register.single_use_with_grace(Duration::from_secs(60));
    let [used, unused] = [issue(&register, b"ann"), issue(&register, b"ann")];
    assert_eq!(check(&register, b"ann", &used), None);
    for jump in [3600, 30] {
        clock.set(clock.now() - Duration::from_secs(jump));
        clock.advance(Duration::from_secs(29));
        assert_eq!(check(&register, b"ann", &used), None);
    }
    clock.advance(Duration::from_secs(2));
    assert_eq!(check(&register, b"ann", &used), Some(CheckError::Used));
    clock.set(clock.now() + Duration::from_secs(3570));
    assert_eq!(check(&register, b"ann", &used), Some(CheckError::Used));
    clock.set(clock.now() - Duration::from_secs(3600));
    clock.advance(TTL - Duration::from_secs(60));
    assert_eq!(check(&register, b"ann", &unused), Some(CheckError::Revoked), "its own expiry is an hour later");
}

#[test]
fn exactly_one_concurrent_use_succeeds() {
    let (register, ..) = register();
    let register = register.single_use_with_grace(Duration::ZERO);
    for _ in 0..50 {
        let token = issue(&register, b"ann");
        let barrier = Barrier::new(8);
        let uses = || {
            barrier.wait();
            check(&register, b"ann", &token)
        };
        let refused: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(uses)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(refused.iter().filter(|refused| refused.is_none()).count(), 1, "{refused:?}");
        assert_eq!(refused.iter().filter(|refused| **refused == Some(CheckError::Used)).count(), 7, "{refused:?}");
    }
}

#[test]
fn a_failure_of_the_store_is_an_error_and_no_verdict() {
    let (register, store, _) = register();
    let register = register.single_use_with_grace(Duration::ZERO);
    for (operations, existing) in [(2, false), (3, true)] {
        for at in 0..operations {
            block_on(register.revoke(b"ann")).unwrap();
            if existing {
                issue(&register, b"ann");
            }
            store.fails_in.store(at, Ordering::SeqCst);
            let issued = block_on(register.issue(b"ann", &[b"device"]));
            assert!(matches!(issued, Err(RegisterError::Store(_))), "{at}");
            store.fails_in.store(usize::MAX, Ordering::SeqCst);
        }
    }
    for at in 0..3 {
        let token = issue(&register, b"ann");
        store.fails_in.store(at, Ordering::SeqCst);
        assert!(block_on(register.check(b"ann", &token, &[b"device"])).is_err(), "{at}");
        store.fails_in.store(usize::MAX, Ordering::SeqCst);
    }
    store.fails_in.store(0, Ordering::SeqCst);
    assert!(block_on(register.revoke(b"ann")).is_err());
}

#[test]
fn an_unreadable_entry_is_an_error_and_no_verdict() {
    let (register, store, _) = register();
    for entry in [&b""[..], &[0; 31], &[0; 33], &[0; 41]] {
        let issued = block_on(register.issue(b"ann", &[b"device"])).unwrap();
        let key = register.token_key(issued.id);
        block_on(store.put(&key, Bytes::copy_from_slice(entry), TTL)).unwrap();
        assert!(block_on(register.check(b"ann", issued.token.expose_secret(), &[b"device"])).is_err());
    }
}

#[test]
fn the_store_sees_no_credential() {
    let (register, store, _) = register();
    let register = register.single_use_with_grace(TTL);
    let issued = block_on(register.issue(b"customer-1234567", &[b"device"])).unwrap();
    let token = issued.token.expose_secret().to_owned();
    assert_eq!(check(&register, b"customer-1234567", &token), None);
    block_on(register.revoke(b"customer-1234567")).unwrap();

    let told = store.told.lock().unwrap();
    assert!(told.iter().any(|(key, _)| *key == format!("dlgc:token:{}", issued.id)));
    assert!(told.iter().any(|(key, _)| key.starts_with("dlgc:subject:") && key.len() == 35));
    // After its claims a token has only its codes.
    let codes = URL_SAFE_NO_PAD.decode(&token[9..]).unwrap()[22..].to_vec();
    let holds = |value: &[u8], part: &[u8]| value.windows(part.len()).any(|window| window == part);
    for (key, value) in told.iter() {
        for part in [&b"1234567"[..], b"device", &codes[..4], &codes[16..20], &token.as_bytes()[70..]] {
            assert!(!holds(key.as_bytes(), part) && !holds(value, part), "{key}");
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Issue(usize),
    Check(prop::sample::Index),
    Revoke(usize),
    LoseEverything,
    Rotate(usize),
    Advance(u64),
}

struct Known {
    token: String,
    subject: usize,
    expires: u64,
    revoked: bool,
    used: Option<u64>,
}

proptest! {
    /// Compares with a model that knows every token that was issued.
    #[test]
    fn revoked_and_used_tokens_never_become_good_again(
        repeats in prop::option::of(0_u64..200),
        steps in vec(prop_oneof![
            4 => (0..2_usize).prop_map(Step::Issue),
            8 => any::<prop::sample::Index>().prop_map(Step::Check),
            1 => (0..2_usize).prop_map(Step::Revoke),
            1 => Just(Step::LoseEverything),
            1 => (0..2_usize).prop_map(Step::Rotate),
            2 => (1..200_u64).prop_map(Step::Advance),
        ], 0..60),
    ) {
        const SUBJECTS: [&[u8]; 2] = [b"ann", b"bob"];
        let keys = ring(&["a", "b"]);
        let (signer, clock) = signer_of(&keys);
        let registered = || {
            let register = Register::new(signer.clone(), Probe::new(&clock), TTL);
            match repeats {
                Some(repeats) => register.single_use_with_grace(Duration::from_secs(repeats)),
                None => register,
            }
        };
        let (mut register, mut now, mut known) = (registered(), 0, Vec::<Known>::new());
        for step in steps {
            match step {
                Step::Issue(subject) => {
                    let token = issue(&register, SUBJECTS[subject]);
                    known.push(Known { token, subject, expires: now + TTL.as_secs(), revoked: false, used: None });
                }
                Step::Check(_) if known.is_empty() => {}
                Step::Check(at) => {
                    let at = at.index(known.len());
                    let Known { token, subject, expires, revoked, used } = &mut known[at];
                    let expected = match (repeats, &used) {
                        _ if now >= *expires => Some(CheckError::Expired),
                        _ if *revoked => Some(CheckError::Revoked),
                        (Some(repeats), Some(used)) if now >= used + repeats => Some(CheckError::Used),
                        _ => None,
                    };
                    prop_assert_eq!(check(&register, SUBJECTS[*subject], token), expected);
                    if expected.is_none() {
                        used.get_or_insert(now);
                    }
                }
                Step::Revoke(subject) => {
                    block_on(register.revoke(SUBJECTS[subject])).unwrap();
                    known.iter_mut().filter(|known| known.subject == subject).for_each(|known| known.revoked = true);
                }
                Step::LoseEverything => {
                    register = registered();
                    known.iter_mut().for_each(|known| known.revoked = true);
                }
                Step::Rotate(first) => keys.rotate(ring([&["a", "b"], &["b", "a"]][first])),
                Step::Advance(seconds) => {
                    clock.advance(Duration::from_secs(seconds));
                    now += seconds;
                }
            }
        }
    }
}
