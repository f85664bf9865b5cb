//! A suite that checks a store of your own for what every [`Store`] must do: see [`check`].

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::{Store, StoreError};

/// One of the concurrent operations of [`check`], to be run by the caller's executor.
///
/// Threads are an executor too:
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

/// A time to live that is not over before the check is.
const LONG: Duration = Duration::from_secs(3600);

/// A time to live that is waited for.
const SHORT: Duration = Duration::from_secs(2);

/// How many tasks are after the same key.
const RIVALS: usize = 32;

/// How often they are.
const ROUNDS: usize = 20;

/// Checks that `store` does what [`Store`] says.
///
/// It needs a store without values under keys that begin with `conformance:`, room for a hundred entries, and about two
/// seconds of the time that the store tells: `advance` lets a duration pass. `spawn` starts a [`Task`] and returns a
/// future that is ready when the task is done, as `tokio::spawn` does; on an executor of several threads the tasks are
/// run at the same time.
///
/// A full or unavailable store is not checked, as each store gets there in another way.
///
/// A store that is given a clock, in a test with `#[tokio::test(flavor = "multi_thread")]`:
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
/// A store that tells the time by itself:
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
/// If the store does something else, with a message that says what.
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

    assert_eq!(store.get(key).await.expect("get works"), None, "get finds nothing where nothing was put");
    assert_eq!(store.take(key).await.expect("take works"), None, "take finds nothing where nothing was put");
    let replaced = store.replace(key, Bytes::new(), one.clone(), LONG).await.expect("replace works");
    assert!(!replaced, "replace replaces nothing where nothing was put, not even an empty value");
    assert_eq!(store.get(key).await.expect("get works"), None, "replace puts nothing where nothing was put");

    assert_eq!(store.claim(key, one.clone(), LONG).await.expect("claim works"), None, "claim finds nothing");
    let present = store.claim(key, two.clone(), LONG).await.expect("claim works");
    assert_eq!(present, Some(one.clone()), "claim returns the value that was there");
    assert_eq!(store.get(key).await.expect("get works"), Some(one.clone()), "claim leaves the value that was there");

    let replaced = store.replace(key, two.clone(), two.clone(), LONG).await.expect("replace works");
    assert!(!replaced, "replace replaces nothing but what is expected");
    assert_eq!(store.get(key).await.expect("get works"), Some(one.clone()), "replace leaves what was not expected");
    assert!(store.replace(key, one.clone(), two.clone(), LONG).await.expect("replace works"), "replace replaces");
    assert_eq!(store.get(key).await.expect("get works"), Some(two), "replace sets the new value");

    store.put(key, one.clone(), LONG).await.expect("put works");
    assert_eq!(store.take(key).await.expect("take works"), Some(one), "put sets the value whatever there was");
    assert_eq!(store.take(key).await.expect("take works"), None, "take removes");
    assert_eq!(store.get(key).await.expect("get works"), None, "take removes");
}

async fn values(store: &impl Store) {
    let key = "conformance:values";
    let every_byte: Bytes = (0..=255).collect();
    for value in [Bytes::new(), every_byte, Bytes::from_static(b"\r\n0\r\n"), Bytes::from(vec![b'x'; 100_000])] {
        let what = format!("a value of {} bytes", value.len());
        store.put(key, value.clone(), LONG).await.expect("put works");
        // Not `assert_eq!`: what is this long is not to be read.
        let is_value = |found: Option<Bytes>| found.as_ref() == Some(&value);
        assert!(is_value(store.get(key).await.expect("get works")), "get returns {what} as it was put");
        let replaced = store.replace(key, value.clone(), value.clone(), LONG).await.expect("replace works");
        assert!(replaced, "replace finds {what} to be what was put");
        let present = store.claim(key, Bytes::new(), LONG).await.expect("claim works");
        assert!(is_value(present), "claim returns {what} that is there");
        assert!(is_value(store.take(key).await.expect("take works")), "take returns {what} that is there");
    }
    for key in ["conformance:values: with space", "conformance:values:\u{e9}\u{1f600}", "conformance:values:{a}:*?["] {
        store.put(key, Bytes::from(key), LONG).await.expect("put works");
        assert_eq!(store.take(key).await.expect("take works"), Some(Bytes::from(key)), "a key is any text: {key:?}");
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
            assert_eq!(*present, Some(text(winner)), "claim {number} returns what was claimed before it");
        }

        let replacements = race(store, spawn, move |store, number| async move {
            store.replace(key, text(winner), text(RIVALS + number), LONG).await
        })
        .await;
        let winner = only(replacements.into_iter(), "replacements of one value");

        let takes = race(store, spawn, move |store, _| async move { store.take(key).await }).await;
        let taker = only(takes.iter().map(Option::is_some), "takes of one key");
        assert_eq!(takes[taker], Some(text(RIVALS + winner)), "take returns what replace set");
    }
}

/// The results of one operation that many tasks do at the same time, in the order of the tasks.
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
    assert_eq!(results.len(), RIVALS, "every task that `spawn` started is done when its future is ready");
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The number of the only one that succeeded.
fn only(succeeded: impl Iterator<Item = bool>, what: &str) -> usize {
    let winners: Vec<usize> = succeeded.enumerate().filter_map(|(number, won)| won.then_some(number)).collect();
    assert_eq!(winners.len(), 1, "of {RIVALS} concurrent {what} one succeeds");
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
    assert!(replaced.expect("replace works"), "replace replaces");
    store.put(&expiring("replaced for longer"), value.clone(), SHORT).await.expect("put works");
    let replaced = store.replace(&expiring("replaced for longer"), value.clone(), value.clone(), LONG).await;
    assert!(replaced.expect("replace works"), "replace replaces what has not expired");

    store.put(&expiring("put for shorter"), value.clone(), LONG).await.expect("put works");
    store.put(&expiring("put for shorter"), value.clone(), SHORT).await.expect("put works");
    store.put(&expiring("put for longer"), value.clone(), SHORT).await.expect("put works");
    store.put(&expiring("put for longer"), value.clone(), LONG).await.expect("put works");

    store.put(&expiring("unmeasured"), value.clone(), Duration::ZERO).await.expect("put works with no time to live");
    store.put(&expiring("unending"), value.clone(), Duration::MAX).await.expect("put works with any time to live");

    advance(SHORT + Duration::from_millis(10)).await;

    assert_eq!(store.get(&expiring("get")).await.expect("get works"), None, "get finds nothing that expired");
    assert_eq!(store.take(&expiring("take")).await.expect("take works"), None, "take finds nothing that expired");
    let claimed = store.claim(&expiring("claim"), value.clone(), LONG).await.expect("claim works");
    assert_eq!(claimed, None, "claim finds nothing that expired");
    let replaced = store.replace(&expiring("replace"), value.clone(), value.clone(), LONG).await;
    assert!(!replaced.expect("replace works"), "replace finds nothing that expired");

    for (key, live, what) in [
        ("claimed", None, "claim sets a time to live"),
        ("replaced for shorter", None, "replace sets the time to live, if it is shorter"),
        ("replaced for longer", Some("value"), "replace sets the time to live, if it is longer"),
        ("put for shorter", None, "put sets the time to live, if it is shorter"),
        ("put for longer", Some("value"), "put sets the time to live, if it is longer"),
        ("unmeasured", None, "what has no time to live is gone"),
        ("unending", Some("value"), "what has any time to live is there"),
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
