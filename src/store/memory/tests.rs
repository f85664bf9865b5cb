use std::{sync::atomic::AtomicUsize, thread, time::SystemTime};

use futures_util::FutureExt;
use proptest::prelude::*;
use static_assertions::assert_impl_all;

use super::{room::ENTRY_OVERHEAD, *};
use crate::{ManualClock, store::conformance};

assert_impl_all!(MemoryStore: Send, Sync, fmt::Debug);

const MINUTE: Duration = Duration::from_secs(60);

fn store() -> (MemoryStore, ManualClock) {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + MINUTE);
    (MemoryStore::new().clock(clock.clone()), clock)
}

fn put(store: &MemoryStore, key: &str, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
    store.put(key, Bytes::copy_from_slice(value), ttl).now_or_never().unwrap()
}

fn get(store: &MemoryStore, key: &str) -> Option<Bytes> {
    store.get(key).now_or_never().unwrap().unwrap()
}

fn take(store: &MemoryStore, key: &str) -> Option<Bytes> {
    store.take(key).now_or_never().unwrap().unwrap()
}

fn used(store: &MemoryStore) -> (usize, usize) {
    store.room.used()
}

fn is_full<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Full))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let (store, clock) = store();
    conformance::check(store, tokio::spawn, async |time| clock.advance(time)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_as_a_shared_store() {
    let (store, clock) = store();
    conformance::check(crate::store::SharedStore::new(store), tokio::spawn, async |time| clock.advance(time)).await;
}

#[test]
fn setting_the_wall_clock_changes_no_time_to_live() {
    for jump in [-1, 1] {
        let (store, clock) = store();
        let day = Duration::from_secs(24 * 60 * 60);
        clock.set(clock.now() + 2 * day);
        put(&store, "key", b"value", MINUTE).unwrap();
        clock.set(if jump < 0 { clock.now() - day } else { clock.now() + day });
        clock.advance(MINUTE - Duration::from_millis(1));
        assert!(get(&store, "key").is_some(), "{jump}");
        clock.advance(Duration::from_millis(1));
        assert!(get(&store, "key").is_none(), "{jump}");
    }
}

proptest! {
    /// A value lives for its time to live on the monotonic clock, whatever the wall clock does.
    #[test]
    fn a_value_lives_exactly_for_its_time_to_live(
        steps in prop::collection::vec((0..3u8, 0..5u8, 1..100_000u64), 1..100),
    ) {
        let (store, clock) = store();
        let mut written = std::collections::HashMap::new();
        for (step, key, amount) in steps {
            match step {
                0 => {
                    put(&store, &key.to_string(), b"value", Duration::from_millis(amount)).unwrap();
                    written.insert(key, clock.monotonic() + Duration::from_millis(amount));
                }
                1 => clock.advance(Duration::from_millis(amount)),
                _ => clock.set(SystemTime::UNIX_EPOCH + Duration::from_secs(amount)),
            }
            for (key, end) in &written {
                prop_assert_eq!(get(&store, &key.to_string()).is_some(), clock.monotonic() < *end);
            }
        }
    }
}

#[test]
fn a_full_store_refuses_new_keys_and_keeps_its_values() {
    let (store, _) = store();
    let store = store.max_entries(100);
    for number in 0..100 {
        put(&store, &format!("key:{number}"), b"value", MINUTE).unwrap();
    }
    assert!(is_full(put(&store, "key:100", b"value", MINUTE)));
    assert!(is_full(store.claim("key:100", Bytes::new(), MINUTE).now_or_never().unwrap()));
    for number in 0..100 {
        assert_eq!(get(&store, &format!("key:{number}")).unwrap(), "value");
    }
    put(&store, "key:7", b"other", MINUTE).expect("a full store can overwrite a value");
    assert_eq!(take(&store, "key:8").unwrap(), "value");
    put(&store, "key:100", b"value", MINUTE).unwrap();
}

#[test]
fn the_size_in_bytes_is_limited() {
    let (store, _) = store();
    let store = store.max_bytes(4 * (ENTRY_OVERHEAD + 32));
    let value = [7; 33];
    for number in 0..4 {
        put(&store, &format!("key:{number}"), &value[..27], MINUTE).unwrap();
    }
    assert!(is_full(put(&store, "key:4", b"", MINUTE)));
    assert!(is_full(put(&store, "key:0", &value[..28], MINUTE)));
    assert_eq!(get(&store, "key:0").unwrap(), value[..27], "a refused write changes nothing");
    put(&store, "key:0", &value[..11], MINUTE).unwrap();
    put(&store, "key:1", &value[..28], MINUTE).unwrap();
    for number in 0..4 {
        take(&store, &format!("key:{number}")).unwrap();
    }
    assert_eq!(used(&store), (0, 0));
}

#[test]
fn one_expired_entry_makes_room_for_one_new_entry() {
    let (store, clock) = store();
    let store = store.max_entries(1000);
    for number in 0..1000 {
        let ttl = if number == 500 { MINUTE } else { 2 * MINUTE };
        put(&store, &format!("key:{number}"), b"value", ttl).unwrap();
    }
    clock.advance(MINUTE - Duration::from_millis(1));
    assert!(is_full(put(&store, "new:1", b"value", MINUTE)));
    clock.advance(Duration::from_millis(1));
    put(&store, "new:1", b"value", MINUTE).unwrap();
    assert!(is_full(put(&store, "new:2", b"value", MINUTE)));
    clock.advance(MINUTE);
    for number in 0..1000 {
        put(&store, &format!("newer:{number}"), b"value", MINUTE).unwrap();
    }
}

#[test]
fn a_large_value_takes_the_room_of_many_expired_entries() {
    let (store, clock) = store();
    let store = store.max_bytes(100 * (ENTRY_OVERHEAD + 16));
    for number in 0..100 {
        put(&store, &format!("key:{number:02}"), b"abcd", MINUTE).unwrap();
    }
    clock.advance(MINUTE);
    put(&store, "large", &[7; 5000], MINUTE).unwrap();
    assert!(is_full(put(&store, "larger", &[7; 5000], MINUTE)));
}

#[test]
fn expired_entries_do_not_pile_up() {
    let (store, clock) = store();
    for number in 0..50_000 {
        put(&store, &format!("key:{number}"), b"value", Duration::from_millis(1000)).unwrap();
        clock.advance(Duration::from_millis(1));
    }
    let (held, _) = used(&store);
    assert!(held < 3000, "{held} entries are held, and only 1000 are live");
}

#[test]
fn rewriting_a_key_keeps_one_entry() {
    let (store, clock) = store();
    for _ in 0..1000 {
        put(&store, "key", b"value", MINUTE).unwrap();
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(used(&store).0, 1);
    assert_eq!(get(&store, "key").unwrap(), "value");
}

#[test]
fn concurrent_writes_never_exceed_the_limit() {
    let (store, _) = store();
    let store = store.max_entries(500);
    let written = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (store, written) = (&store, &written);
            scope.spawn(move || {
                for number in 0..500 {
                    let put = put(store, &format!("key:{thread}:{number}"), b"value", MINUTE);
                    written.fetch_add(usize::from(put.is_ok()), Relaxed);
                }
            });
        }
    });
    assert_eq!(written.load(Relaxed), 500);
}
