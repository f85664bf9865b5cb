//! A test suite for your own [`Store`]: see [`check`].

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::{Store, StoreError};

/// A concurrent operation of [`check`], for the caller's executor to run.
///
/// Threads can run it too:
///
/// ```
/// use std::{thread, time::SystemTime};
/// use futures::executor::block_on;
/// use tower_verify::{
///     ManualClock,
///     store::{MemoryStore, conformance::{self, Task}},
/// };
///
/// let spawn = |task: Task| {
///     let thread = thread::spawn(|| block_on(task));
///     async { thread.join().expect("the task does not panic") }
/// };
/// let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
/// let store = MemoryStore::new().clock(clock.clone());
/// block_on(conformance::check(store, spawn, async |time| clock.advance(time)));
/// ```
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A time to live that outlasts the check.
const LONG: Duration = Duration::from_secs(3600);

/// A time to live that the check waits for.
const SHORT: Duration = Duration::from_secs(2);

/// How many tasks compete for one key.
const RIVALS: usize = 32;

/// How many times the tasks compete.
const ROUNDS: usize = 20;

/// Checks that `store` behaves as [`Store`] documents.
///
/// The store must have room for 100 entries, and no values under keys that begin with `conformance:`.
///
/// * `spawn` starts a [`Task`] and returns a future that is ready when the task is done, as `tokio::spawn` does. An
///   executor with several threads runs the tasks in parallel.
/// * `advance` lets time pass on the store's clock, about two seconds in all.
///
/// The suite does not check a full or an unavailable store, as there is no common way to make a store so.
///
/// This checks a store with a manual clock. In a test, use `#[tokio::test(flavor = "multi_thread")]`:
///
/// ```
/// use std::time::SystemTime;
/// use tower_verify::{ManualClock, store::{MemoryStore, conformance}};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
/// let store = MemoryStore::new().clock(clock.clone());
/// conformance::check(store, tokio::spawn, async |time| clock.advance(time)).await;
/// # });
/// ```
///
/// A store with a clock of its own needs real time to pass:
///
/// ```
/// use tower_verify::store::{Store, conformance};
///
/// async fn conforms(store: impl Store) {
///     conformance::check(store, tokio::spawn, tokio::time::sleep).await;
/// }
/// ```
///
/// # Panics
/// If the store breaks a rule. The message names the rule.
pub async fn check<S, F>(store: S, spawn: impl Fn(Task) -> F, advance: impl AsyncFn(Duration))
where
    S: Store,
    F: Future,
{
    let store = Arc::new(store);
    operations(&*store).await;
    values(&*store).await;
    races(&store, &spawn).await;
    expiry(&*store, advance).await;
}

async fn operations(store: &impl Store) {
    let key = "conformance:operations";
    let (one, two) = (Bytes::from_static(b"one"), Bytes::from_static(b"two"));

    assert_eq!(store.get(key).await.expect("get works"), None, "get must return nothing for a key without a value");
    assert_eq!(store.take(key).await.expect("take works"), None, "take must return nothing for a key without a value");
    let replaced = store.replace(key, Bytes::new(), one.clone(), LONG).await.expect("replace works");
    assert!(!replaced, "replace must return false for a key without a value, even if it expects an empty one");
    assert_eq!(store.get(key).await.expect("get works"), None, "replace must not create a value");

    assert_eq!(
        store.claim(key, one.clone(), LONG).await.expect("claim works"),
        None,
        "claim must return nothing for a key without a value"
    );
    let present = store.claim(key, two.clone(), LONG).await.expect("claim works");
    assert_eq!(present, Some(one.clone()), "claim must return the present value");
    assert_eq!(store.get(key).await.expect("get works"), Some(one.clone()), "claim must leave the present value");

    let replaced = store.replace(key, two.clone(), two.clone(), LONG).await.expect("replace works");
    assert!(!replaced, "replace must return false for a value that is not the expected one");
    assert_eq!(
        store.get(key).await.expect("get works"),
        Some(one.clone()),
        "replace must leave a value that is not the expected one"
    );
    assert!(
        store.replace(key, one.clone(), two.clone(), LONG).await.expect("replace works"),
        "replace must return true for the expected value"
    );
    assert_eq!(store.get(key).await.expect("get works"), Some(two), "replace must set the new value");

    store.put(key, one.clone(), LONG).await.expect("put works");
    assert_eq!(store.take(key).await.expect("take works"), Some(one), "put must overwrite the present value");
    assert_eq!(store.take(key).await.expect("take works"), None, "take must remove the value");
    assert_eq!(store.get(key).await.expect("get works"), None, "take must remove the value");
}

async fn values(store: &impl Store) {
    let key = "conformance:values";
    let every_byte: Bytes = (0..=255).collect();
    for value in [Bytes::new(), every_byte, Bytes::from_static(b"\r\n0\r\n"), Bytes::from(vec![b'x'; 100_000])] {
        let what = format!("a value of {} bytes", value.len());
        store.put(key, value.clone(), LONG).await.expect("put works");
        // Not `assert_eq!`: its output would be too long to read.
        let is_value = |found: Option<Bytes>| found.as_ref() == Some(&value);
        assert!(is_value(store.get(key).await.expect("get works")), "get must return {what} unchanged");
        let replaced = store.replace(key, value.clone(), value.clone(), LONG).await.expect("replace works");
        assert!(replaced, "replace must recognize {what}");
        let present = store.claim(key, Bytes::new(), LONG).await.expect("claim works");
        assert!(is_value(present), "claim must return {what} unchanged");
        assert!(is_value(store.take(key).await.expect("take works")), "take must return {what} unchanged");
    }
    for key in ["conformance:values: with space", "conformance:values:\u{e9}\u{1f600}", "conformance:values:{a}:*?["] {
        store.put(key, Bytes::from(key), LONG).await.expect("put works");
        assert_eq!(
            store.take(key).await.expect("take works"),
            Some(Bytes::from(key)),
            "a key can be any text: {key:?}"
        );
    }
}

async fn races<S: Store, F: Future>(store: &Arc<S>, spawn: &impl Fn(Task) -> F) {
    let key = "conformance:races";
    let text = |number: usize| Bytes::from(number.to_string());
    for _ in 0..ROUNDS {
        let claims =
            race(store, spawn, move |store, number| async move { store.claim(key, text(number), LONG).await }).await;
        let winner = only(claims.iter().map(Option::is_none), "claims of one key");
        for (number, present) in claims.iter().enumerate().filter(|(number, _)| *number != winner) {
            assert_eq!(
                *present,
                Some(text(winner)),
                "claim {number} must return the value of the claim that succeeded"
            );
        }

        let replacements = race(store, spawn, move |store, number| async move {
            store.replace(key, text(winner), text(RIVALS + number), LONG).await
        })
        .await;
        let winner = only(replacements.into_iter(), "replacements of one value");

        let takes = race(store, spawn, move |store, _| async move { store.take(key).await }).await;
        let taker = only(takes.iter().map(Option::is_some), "takes of one key");
        assert_eq!(takes[taker], Some(text(RIVALS + winner)), "take must return the value that replace set");
    }
}

/// Runs one operation in many tasks at the same time. Returns the results in the order of the tasks.
async fn race<S, T, F, Op>(
    store: &Arc<S>,
    spawn: &impl Fn(Task) -> F,
    operation: impl Fn(Arc<S>, usize) -> Op,
) -> Vec<T>
where
    S: Store,
    T: Send + 'static,
    F: Future,
    Op: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let results = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..RIVALS {
        let (results, operation) = (Arc::clone(&results), operation(Arc::clone(store), number));
        tasks.push(spawn(Box::pin(async move {
            let result = operation.await.expect("a concurrent operation works");
            results.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        })));
    }
    for task in tasks {
        task.await;
    }
    let mut results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(results.len(), RIVALS, "the future that `spawn` returns must be ready only when its task is done");
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Returns the number of the only operation that succeeded.
fn only(succeeded: impl Iterator<Item = bool>, what: &str) -> usize {
    let winners: Vec<usize> = succeeded.enumerate().filter_map(|(number, won)| won.then_some(number)).collect();
    assert_eq!(winners.len(), 1, "exactly one of {RIVALS} concurrent {what} must succeed");
    winners[0]
}

async fn expiry(store: &impl Store, advance: impl AsyncFn(Duration)) {
    let value = Bytes::from_static(b"value");
    for operation in ["get", "take", "claim", "replace"] {
        store.put(&expiring(operation), value.clone(), SHORT).await.expect("put works");
    }
    store.claim(&expiring("claimed"), value.clone(), SHORT).await.expect("claim works");

    store.put(&expiring("replaced for shorter"), value.clone(), LONG).await.expect("put works");
    let replaced = store.replace(&expiring("replaced for shorter"), value.clone(), value.clone(), SHORT).await;
    assert!(replaced.expect("replace works"), "replace must return true for the expected value");
    store.put(&expiring("replaced for longer"), value.clone(), SHORT).await.expect("put works");
    let replaced = store.replace(&expiring("replaced for longer"), value.clone(), value.clone(), LONG).await;
    assert!(replaced.expect("replace works"), "replace must return true for the expected value");

    store.put(&expiring("put for shorter"), value.clone(), LONG).await.expect("put works");
    store.put(&expiring("put for shorter"), value.clone(), SHORT).await.expect("put works");
    store.put(&expiring("put for longer"), value.clone(), SHORT).await.expect("put works");
    store.put(&expiring("put for longer"), value.clone(), LONG).await.expect("put works");

    store
        .put(&expiring("unmeasured"), value.clone(), Duration::ZERO)
        .await
        .expect("put works with a time to live of zero");
    store
        .put(&expiring("unending"), value.clone(), Duration::MAX)
        .await
        .expect("put works with the longest time to live");

    advance(SHORT + Duration::from_millis(10)).await;

    assert_eq!(store.get(&expiring("get")).await.expect("get works"), None, "get must not return an expired value");
    assert_eq!(store.take(&expiring("take")).await.expect("take works"), None, "take must not return an expired value");
    let claimed = store.claim(&expiring("claim"), value.clone(), LONG).await.expect("claim works");
    assert_eq!(claimed, None, "claim must ignore an expired value");
    let replaced = store.replace(&expiring("replace"), value.clone(), value.clone(), LONG).await;
    assert!(!replaced.expect("replace works"), "replace must ignore an expired value");

    for (key, live, what) in [
        ("claimed", None, "claim must set the time to live"),
        ("replaced for shorter", None, "replace must set a shorter time to live"),
        ("replaced for longer", Some("value"), "replace must set a longer time to live"),
        ("put for shorter", None, "put must set a shorter time to live"),
        ("put for longer", Some("value"), "put must set a longer time to live"),
        ("unmeasured", None, "a value with a time to live of zero must expire"),
        ("unending", Some("value"), "a value with the longest time to live must not expire"),
    ] {
        let value = store.get(&expiring(key)).await.expect("get works");
        assert_eq!(value, live.map(Bytes::from), "{what}");
    }
    for key in ["claim", "replaced for longer", "put for longer", "unending"] {
        store.take(&expiring(key)).await.expect("take works");
    }
}

fn expiring(name: &str) -> String {
    format!("conformance:expiry:{name}")
}
