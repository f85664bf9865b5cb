//! `MemoryStore` under shuttle, which interleaves threads at every lock and every atomic, in thousands of schedules.
//!
//! The schedules are the same in every run. A failure prints its schedule, for `shuttle::replay`.

#[cfg(not(shuttle))]
compile_error!("build with `--cfg shuttle`, which gives the store shuttle's locks: run .ci/shuttle");

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use shuttle::{
    Config, Runner,
    future::block_on,
    rand::Rng,
    scheduler::{PctScheduler, RandomScheduler},
    thread,
};
use tower_verify::{
    ManualClock,
    store::{MemoryStore, Store, StoreError},
};

const SCHEDULES: usize = 2000;
const PREEMPTIONS: usize = 3;
const SEED: u64 = 7;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The bytes that the store counts for an entry, besides its key and value. The sum is rounded up to a multiple of 16.
const ENTRY_OVERHEAD: usize = 80;

/// Runs `check` under many schedules: random ones, and ones with a few preemptions each.
fn explore(name: &str, check: fn()) {
    let start = Instant::now();
    let mut config = Config::new();
    config.silence_warnings = true;
    let random = Runner::new(RandomScheduler::new_from_seed(SEED, SCHEDULES), config.clone()).run(check);
    let preempted = Runner::new(PctScheduler::new_from_seed(SEED, PREEMPTIONS, SCHEDULES), config).run(check);
    println!("{name}: {} schedules in {:.1?}", random + preempted, start.elapsed());
}

fn store() -> (MemoryStore, ManualClock) {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + MINUTE);
    (MemoryStore::new().clock(clock.clone()), clock)
}

/// Keys of the same length. They differ in each schedule, so that they share a shard in some and not in others.
fn keys<const N: usize>() -> [String; N] {
    let first = shuttle::rand::thread_rng().gen_range(10..90 - N);
    std::array::from_fn(|number| format!("{}", first + number))
}

fn put(store: &MemoryStore, key: &str, value: &[u8]) -> bool {
    put_for(store, key, value, HOUR)
}

/// Writes `value` for `ttl`. Returns whether there was room.
fn put_for(store: &MemoryStore, key: &str, value: &[u8], ttl: Duration) -> bool {
    match block_on(store.put(key, Bytes::copy_from_slice(value), ttl)) {
        Ok(()) => true,
        Err(StoreError::Full) => false,
        Err(error) => panic!("{error}"),
    }
}

fn get(store: &MemoryStore, key: &str) -> Option<Bytes> {
    block_on(store.get(key)).unwrap()
}

fn take(store: &MemoryStore, key: &str) -> Option<Bytes> {
    block_on(store.take(key)).unwrap()
}

/// Runs `act` in one thread for each item. Returns the results in the order of the items.
fn in_threads<I: Send, T: Send>(items: impl IntoIterator<Item = I>, act: impl Fn(I) -> T + Sync) -> Vec<T> {
    let act = &act;
    thread::scope(|scope| {
        let threads: Vec<_> = items.into_iter().map(|item| scope.spawn(move || act(item))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn live_entries_never_exceed_their_limit() {
    explore("entries", || {
        let (store, _) = store();
        let store = store.max_entries(2);
        let live = AtomicUsize::new(0);
        in_threads(keys::<4>(), |key| {
            for _ in 0..2 {
                if put(&store, &key, b"value") {
                    assert!(live.fetch_add(1, SeqCst) < 2, "a third entry is live");
                    assert!(get(&store, &key).is_some(), "a live entry is kept");
                    live.fetch_sub(1, SeqCst);
                    assert!(take(&store, &key).is_some());
                }
            }
        });
    });
}

#[test]
fn live_bytes_never_exceed_their_limit() {
    const BYTES: usize = 3 * (ENTRY_OVERHEAD + 2 + 10);

    explore("bytes", || {
        let (store, _) = store();
        let store = store.max_bytes(BYTES);
        let live = AtomicUsize::new(0);
        in_threads(keys::<4>().into_iter().zip([10, 60, 102, 20]), |(key, len)| {
            for len in [len, len + 7] {
                let cost = ENTRY_OVERHEAD + key.len() + len;
                if put(&store, &key, &vec![7; len]) {
                    assert!(live.fetch_add(cost, SeqCst) + cost <= BYTES, "the live entries take too many bytes");
                    assert!(get(&store, &key).is_some(), "a live entry is kept");
                    live.fetch_sub(cost, SeqCst);
                    assert!(take(&store, &key).is_some());
                }
            }
        });
    });
}

#[test]
fn the_accounting_matches_the_entries() {
    const ENTRIES: usize = 3;
    const BYTES: usize = 352;

    explore("accounting", || {
        let (store, clock) = store();
        let store = store.max_entries(ENTRIES).max_bytes(BYTES);
        let keys = keys::<5>();
        in_threads(0..4, |thread| match thread {
            0 => {
                put_for(&store, &keys[0], &[7; 20], MINUTE);
                put(&store, &keys[1], &[7; 90]);
                take(&store, &keys[0]);
            }
            1 => {
                put(&store, &keys[0], &[7; 10]);
                clock.advance(MINUTE);
                put(&store, &keys[2], &[7; 40]);
            }
            2 => {
                put_for(&store, &keys[1], &[7; 30], MINUTE);
                _ = block_on(store.replace(&keys[1], Bytes::from_static(&[7; 30]), Bytes::new(), HOUR));
                take(&store, &keys[2]);
            }
            _ => {
                put_for(&store, &keys[3], &[7], MINUTE);
                _ = block_on(store.claim(&keys[2], Bytes::from_static(&[7; 200]), HOUR));
            }
        });
        for key in &keys {
            take(&store, key);
        }

        for key in &keys[..ENTRIES] {
            assert!(put(&store, key, b""), "there is room for the last of the entries");
        }
        assert!(!put(&store, &keys[ENTRIES], b""), "there is no room for one more");
        for key in &keys[..ENTRIES] {
            assert!(take(&store, key).is_some());
        }
        let most = BYTES - ENTRY_OVERHEAD - keys[0].len();
        assert!(!put(&store, &keys[0], &vec![7; most + 1]), "there is no room for one byte more");
        assert!(put(&store, &keys[0], &vec![7; most]), "there is room for the last of the bytes");
    });
}

#[test]
fn one_take_wins() {
    explore("take", || {
        let (store, _) = store();
        let [key] = keys();
        assert!(put(&store, &key, b"value"));
        let taken = in_threads(0..3, |_| take(&store, &key).is_some());
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    });
}

#[test]
fn one_claim_wins_and_the_others_get_its_value() {
    explore("claim", || {
        let (store, _) = store();
        let [key] = keys();
        let values = ["a", "b", "c"].map(Bytes::from);
        let found = in_threads(&values, |value| block_on(store.claim(&key, value.clone(), HOUR)).unwrap());
        let winner = get(&store, &key).unwrap();
        for (value, found) in values.iter().zip(found) {
            assert_eq!(found, (*value != winner).then(|| winner.clone()));
        }
    });
}

#[test]
fn one_replace_wins() {
    explore("replace", || {
        let (store, _) = store();
        let [key] = keys();
        assert!(put(&store, &key, b"old"));
        let values = ["a", "b", "c"].map(Bytes::from);
        let replaced = in_threads(&values, |value| {
            block_on(store.replace(&key, Bytes::from("old"), value.clone(), HOUR)).unwrap()
        });
        let winner = get(&store, &key).unwrap();
        for (value, replaced) in values.iter().zip(replaced) {
            assert_eq!(replaced, *value == winner);
        }
    });
}

#[test]
fn expired_entries_make_room_for_as_many_new_ones() {
    explore("expiry", || {
        let (store, clock) = store();
        let store = store.max_entries(4);
        let keys = keys::<8>();
        assert!(put(&store, &keys[0], b"live"));
        for key in &keys[1..4] {
            assert!(put_for(&store, key, b"brief", MINUTE));
        }
        clock.advance(MINUTE);
        let written = in_threads(&keys[4..7], |key| put(&store, key, b"new"));
        assert_eq!(written, [true; 3], "a writer gets the room of an expired entry");
        assert!(!put(&store, &keys[7], b"one too many"));
        assert_eq!(get(&store, &keys[0]).unwrap(), "live");
        for key in &keys[4..7] {
            assert_eq!(get(&store, key).unwrap(), "new");
        }
    });
}

#[test]
fn a_full_store_drops_no_live_entry() {
    explore("full", || {
        let (store, clock) = store();
        let store = store.max_entries(3);
        let keys = keys::<6>();
        assert!(put(&store, &keys[0], b"live") && put(&store, &keys[1], b"live"));
        assert!(put_for(&store, &keys[2], b"brief", MINUTE));
        clock.advance(MINUTE);
        let written = in_threads(&keys[3..], |key| put(&store, key, b"new"));
        assert_eq!(written.iter().filter(|written| **written).count(), 1, "one has expired: there is room for one");
        for key in &keys[..2] {
            assert_eq!(get(&store, key).unwrap(), "live");
        }
        for (key, written) in keys[3..].iter().zip(written) {
            assert_eq!(get(&store, key).is_some(), written);
        }
    });
}

#[test]
fn a_write_that_finds_no_room_changes_nothing() {
    explore("no room", || {
        let (store, _) = store();
        let store = store.max_bytes(2 * (ENTRY_OVERHEAD + 2 + 14) + 16);
        let keys = keys::<2>();
        for key in &keys {
            assert!(put(&store, key, &[7; 5]));
        }
        let long = [1, 2].map(|byte| [byte; 15]);
        let written = in_threads(keys.iter().zip(&long), |(key, long)| {
            let written = put(&store, key, long);
            assert_eq!(get(&store, key).unwrap(), if written { &long[..] } else { &[7; 5] });
            written
        });
        assert_eq!(written.iter().filter(|written| **written).count(), 1, "there is room for one to grow");
    });
}

#[test]
fn a_write_that_finds_no_room_takes_none_from_another() {
    explore("no room for another", || {
        let (store, _) = store();
        let store = store.max_entries(1).max_bytes(ENTRY_OVERHEAD + 2 + 14);
        let keys = keys::<3>();
        let written = in_threads(keys.iter().zip([15, 14, 15]), |(key, len)| put(&store, key, &vec![7; len]));
        assert_eq!(written, [false, true, false]);
    });
}
