//! The throttle over time, and while its store is unavailable. The tests that hold for every store are in
//! `tests/shared_store`.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::SystemTime,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::join_all};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{
    Clock, Failure, FailureKind, ManualClock, PeerAddr,
    store::{MemoryStore, StoreError},
};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
enum Guess {
    Right,
    Wrong,
    Broken,
    Panicking,
    Hanging,
}

struct Attempt {
    account: &'static str,
    guess: Guess,
}

impl Credential for Attempt {
    type Verdict = bool;
}

/// Takes 100 ms, and counts how often it is called, and how many calls are under way at a time.
#[derive(Default)]
struct Counting {
    asked: AtomicUsize,
    denied: AtomicUsize,
    at_a_time: AtomicUsize,
    most_at_a_time: AtomicUsize,
}

impl Verifier<Attempt> for Counting {
    async fn verify(&self, request: Request<Attempt>) -> Result<bool, BoxError> {
        self.asked.fetch_add(1, SeqCst);
        self.most_at_a_time.fetch_max(self.at_a_time.fetch_add(1, SeqCst) + 1, SeqCst);
        sleep(Duration::from_millis(100)).await;
        self.at_a_time.fetch_sub(1, SeqCst);
        match request.body().guess {
            Guess::Right => Ok(true),
            Guess::Wrong => {
                self.denied.fetch_add(1, SeqCst);
                Ok(false)
            }
            Guess::Broken => Err("the database is away".into()),
            Guess::Panicking => panic!("the verifier has a mistake"),
            Guess::Hanging => std::future::pending().await,
        }
    }
}

/// A store that a test can make unavailable or slow, and that records its keys.
struct Watched {
    store: MemoryStore,
    away: AtomicBool,
    slow: AtomicBool,
    operations: AtomicUsize,
    keys: Mutex<Vec<String>>,
}

impl Watched {
    async fn reach(&self, key: &str) -> Result<(), StoreError> {
        self.operations.fetch_add(1, SeqCst);
        self.keys.lock().unwrap().push(key.to_owned());
        if self.slow.load(SeqCst) {
            sleep(Duration::from_secs(1)).await;
        }
        if self.away.load(SeqCst) { Err(StoreError::Unavailable("the store is away".into())) } else { Ok(()) }
    }
}

impl Store for Watched {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.reach(key).await?;
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.reach(key).await?;
        self.store.put(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.reach(key).await?;
        self.store.claim(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.reach(key).await?;
        self.store.take(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.reach(key).await?;
        self.store.replace(key, expected, new, ttl).await
    }
}

type Account = fn(&Request<Attempt>) -> Option<&'static str>;
type Node = Throttle<Arc<Counting>, Arc<Watched>, Account>;

/// Nodes that share a verifier and a store.
struct Cluster {
    verifier: Arc<Counting>,
    store: Arc<Watched>,
    clock: ManualClock,
}

impl Cluster {
    fn new() -> Self {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + MINUTE);
        let store = Watched {
            store: MemoryStore::new().clock(clock.clone()),
            away: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            operations: AtomicUsize::new(0),
            keys: Mutex::default(),
        };
        Self { verifier: Arc::default(), store: Arc::new(store), clock }
    }

    fn callers(&self) -> impl Verifier<Attempt> + use<> {
        let (verifier, store) = (Arc::clone(&self.verifier), Arc::clone(&self.store));
        Throttle::callers(verifier, store, [7; 32], ClientAddr::peer()).clock(self.clock.clone())
    }

    fn node(&self) -> Node {
        let account: Account = |request| Some(request.body().account).filter(|account| !account.is_empty());
        Throttle::new(Arc::clone(&self.verifier), Arc::clone(&self.store), [7; 32], account).clock(self.clock.clone())
    }

    fn asked(&self) -> usize {
        self.verifier.asked.load(SeqCst)
    }
}

async fn attempt(node: &Node, account: &'static str, guess: Guess) -> Result<bool, Failure> {
    node.verify(Request::new(Attempt { account, guess })).await.map_err(Failure::from_error)
}

fn throttled_for(result: Result<bool, Failure>) -> Option<Duration> {
    let failure = result.err().filter(|failure| failure.kind() == FailureKind::Throttled)?;
    failure.retry_after()
}

async fn many(nodes: &[&Node], guess: Guess) -> Vec<Result<bool, Failure>> {
    join_all((0..50).map(|number| attempt(nodes[number % nodes.len()], "ann", guess))).await
}

#[tokio::test(start_paused = true)]
async fn after_ten_failures_a_right_credential_is_throttled_too() {
    let cluster = Cluster::new();
    let node = cluster.node();
    for _ in 0..10 {
        assert!(attempt(&node, "ann", Guess::Right).await.unwrap(), "successes change nothing");
        assert!(!attempt(&node, "ann", Guess::Wrong).await.unwrap());
    }
    assert_eq!(throttled_for(attempt(&node, "ann", Guess::Right).await), Some(MINUTE));
    assert_eq!(cluster.asked(), 20);
    assert!(attempt(&node, "bob", Guess::Right).await.unwrap());

    cluster.clock.advance(MINUTE);
    assert!(attempt(&node, "ann", Guess::Right).await.unwrap());
    assert!(!attempt(&node, "ann", Guess::Wrong).await.unwrap());
    assert_eq!(throttled_for(attempt(&node, "ann", Guess::Wrong).await), Some(2 * MINUTE));
}

#[tokio::test(start_paused = true)]
async fn only_ten_of_fifty_concurrent_guesses_are_verified() {
    for nodes in 1..=3 {
        let cluster = Cluster::new();
        let nodes: Vec<Node> = (0..nodes).map(|_| cluster.node()).collect();
        let results = many(&nodes.iter().collect::<Vec<_>>(), Guess::Wrong).await;
        assert_eq!((cluster.verifier.denied.load(SeqCst), cluster.asked()), (10, 10));
        assert_eq!(results.into_iter().filter_map(throttled_for).collect::<Vec<_>>(), [MINUTE; 40]);
    }
}

#[tokio::test(start_paused = true)]
async fn none_of_fifty_concurrent_valid_logins_is_refused() {
    for nodes in 1..=3 {
        for failures in [0, 5, 9] {
            let cluster = Cluster::new();
            let nodes: Vec<Node> = (0..nodes).map(|_| cluster.node().pending_timeout(10 * MINUTE)).collect();
            for _ in 0..failures {
                attempt(&nodes[0], "ann", Guess::Wrong).await.unwrap();
            }
            let start = Instant::now();
            let results = many(&nodes.iter().collect::<Vec<_>>(), Guess::Right).await;
            assert!(results.into_iter().all(|result| result.is_ok_and(|admitted| admitted)));
            assert_eq!(cluster.verifier.most_at_a_time.load(SeqCst), 10 - failures);
            if nodes.len() == 1 {
                let rounds = 50_u32.div_ceil(10 - u32::try_from(failures).unwrap());
                assert_eq!(
                    start.elapsed().as_millis(),
                    u128::from(100 * rounds),
                    "no attempt waits longer than needed"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_concurrent_valid_logins_end_within_the_pending_timeout() {
    let cluster = Cluster::new();
    let nodes = [cluster.node(), cluster.node()];
    let results = many(&[&nodes[0], &nodes[1]], Guess::Right).await;
    assert!(results.into_iter().all(|result| result.is_ok_and(|admitted| admitted)));
}

#[tokio::test(start_paused = true)]
async fn an_undecided_attempt_is_throttled_for_a_second() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(1, MINUTE).unwrap();
    let start = Instant::now();
    let (first, second) = tokio::join!(timeout(MINUTE / 2, attempt(&node, "ann", Guess::Hanging)), async {
        let second = attempt(&node, "ann", Guess::Right).await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        second
    },);
    assert!(first.is_err());
    assert_eq!(throttled_for(second), Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn attempts_without_a_verdict_do_not_count() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(1, MINUTE).unwrap().pending_timeout(Duration::from_millis(500));
    for _ in 0..3 {
        assert_eq!(attempt(&node, "ann", Guess::Broken).await.unwrap_err().kind(), FailureKind::Error);
        assert!(AssertUnwindSafe(attempt(&node, "ann", Guess::Panicking)).catch_unwind().await.is_err());
        assert!(timeout(Duration::from_secs(1), attempt(&node, "ann", Guess::Hanging)).await.is_err());
        assert!(attempt(&node, "ann", Guess::Right).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn the_reservation_of_a_crashed_node_expires() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(1, MINUTE).unwrap().pending_timeout(Duration::ZERO);
    let mut crashed = Box::pin(attempt(&node, "ann", Guess::Hanging));
    assert!(timeout(MINUTE, &mut crashed).await.is_err());

    let other = cluster.node().limit(1, MINUTE).unwrap().pending_timeout(Duration::ZERO);
    assert!(throttled_for(attempt(&other, "ann", Guess::Right).await).is_some());
    cluster.clock.advance(Duration::from_secs(30));
    assert!(attempt(&other, "ann", Guess::Right).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_failure_counts_though_its_future_is_dropped() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(1, MINUTE).unwrap();
    cluster.store.slow.store(true, SeqCst);
    // A second for the reservation and 100 ms for the verifier: the timeout ends while the failure is stored.
    assert!(timeout(Duration::from_millis(1500), attempt(&node, "ann", Guess::Wrong)).await.is_err());
    assert_eq!(cluster.verifier.denied.load(SeqCst), 1);
    assert_eq!(throttled_for(attempt(&node, "ann", Guess::Right).await), Some(MINUTE));
}

#[tokio::test(start_paused = true)]
async fn a_failure_counts_everywhere_though_the_caller_disconnects() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(3, MINUTE).unwrap().by_caller(1000, ClientAddr::peer()).unwrap();
    for number in 0..20 {
        let mut request = Request::new(Attempt { account: "ann", guess: Guess::Wrong });
        request.extensions_mut().insert(PeerAddr((IpAddr::from([192, 0, 2, number]), 4711).into()));
        let attempt = node.verify(request);
        // The store becomes slow while the verifier runs. The caller's failure is stored 100 ms later, and the
        // principal's after that.
        let (hung_up, ()) = tokio::join!(timeout(Duration::from_millis(150), attempt), async {
            sleep(Duration::from_millis(50)).await;
            cluster.store.slow.store(true, SeqCst);
        });
        assert!(hung_up.is_err() || throttled_for(hung_up.unwrap().map_err(Failure::from_error)).is_some());
        cluster.store.slow.store(false, SeqCst);
        sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(cluster.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_longer_than_the_longest_though_the_clock_was_ahead() {
    let day = Duration::from_secs(24 * 60 * 60);
    for failures in [9, 10] {
        let cluster = Cluster::new();
        let node = cluster.node();
        cluster.clock.set(cluster.clock.now() + day);
        for _ in 0..failures {
            attempt(&node, "ann", Guess::Wrong).await.unwrap();
        }
        cluster.clock.set(cluster.clock.now() - day);
        let wait = throttled_for(attempt(&node, "ann", Guess::Right).await).unwrap_or_default();
        assert!(wait <= 15 * MINUTE, "{wait:?}");
        cluster.clock.advance(wait);
        assert!(attempt(&node, "ann", Guess::Right).await.unwrap());
        cluster.clock.advance(15 * MINUTE);
        for _ in 0..9 {
            assert!(!attempt(&node, "ann", Guess::Wrong).await.unwrap(), "failures before the window do not count");
        }
        assert!(attempt(&node, "ann", Guess::Right).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn made_up_principals_do_not_fill_the_store() {
    let cluster = Cluster::new();
    let node = cluster.node().max_accounts(100);
    for _ in 0..10 {
        attempt(&node, "ann", Guess::Wrong).await.unwrap();
    }
    let made_up = node.limit(10, MINUTE).unwrap();
    for number in 0..5000 {
        let name: &'static str = format!("made up {number}").leak();
        attempt(&made_up, name, Guess::Wrong).await.unwrap();
    }
    let mut keys = cluster.store.keys.lock().unwrap().clone();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 13);
    assert!(
        throttled_for(attempt(&made_up, "ann", Guess::Right).await).is_some(),
        "accounts with fewer failures do not evict this one"
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_attempts_go_on_in_order_and_their_number_is_limited() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(2, MINUTE).unwrap().max_pending(6);
    let start = Instant::now();
    let results =
        join_all((0..12).map(async |_| (attempt(&node, "ann", Guess::Right).await, start.elapsed().as_millis())));
    let results = results.await;
    // Each round has two attempts and takes 100 ms. Two of the twelve begin at once, and six wait for them.
    let times: Vec<_> = results.iter().map(|(result, time)| result.is_ok().then_some(*time)).collect();
    assert_eq!(times[..8], [100, 100, 200, 200, 300, 300, 400, 400].map(Some));
    for (result, time) in results.into_iter().skip(8) {
        assert_eq!((throttled_for(result), time), (Some(Duration::from_secs(1)), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_does_not_overtake_one_that_waits() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(1, MINUTE).unwrap();
    let start = Instant::now();
    let attempt_after = async |wait| {
        sleep(Duration::from_millis(wait)).await;
        assert!(attempt(&node, "ann", Guess::Right).await.is_ok_and(|admitted| admitted));
        start.elapsed().as_millis()
    };
    // The first one ends just when the second one begins. The third one has waited for that.
    let times = join_all([0, 100, 0].map(attempt_after)).await;
    assert_eq!(times, [100, 300, 200]);
}

#[tokio::test(start_paused = true)]
async fn four_thousand_concurrent_attempts_cost_three_operations_each_at_most() {
    let cluster = Cluster::new();
    let node = cluster.node().max_pending(4000).pending_timeout(10 * MINUTE);
    let results = join_all((0..4000).map(|_| attempt(&node, "ann", Guess::Right))).await;
    assert!(results.into_iter().all(|result| result.is_ok_and(|admitted| admitted)));
    // Two operations each, and one more for the first of each ten, which may meet another attempt's value.
    let operations = cluster.store.operations.load(SeqCst);
    assert!(operations <= 2 * 4000 + 4000, "{operations} operations");
}

#[tokio::test(start_paused = true)]
async fn failures_from_other_callers_do_not_lock_out_the_principal_if_counted_per_caller() {
    let cluster = Cluster::new();
    let (node, callers) = (cluster.node().per_caller(ClientAddr::peer()), cluster.callers());
    let from = |number: u8, account, guess| {
        let mut request = Request::new(Attempt { account, guess });
        request.extensions_mut().insert(PeerAddr((IpAddr::from([192, 0, 2, number]), 4711).into()));
        request
    };
    for _ in 0..10 {
        assert!(!node.verify(from(1, "ann", Guess::Wrong)).await.unwrap());
    }
    assert!(node.verify(from(1, "ann", Guess::Right)).await.is_err());
    assert!(node.verify(from(1, "bob", Guess::Right)).await.unwrap());
    assert!(node.verify(from(2, "ann", Guess::Right)).await.unwrap());
    assert!(attempt(&node, "ann", Guess::Right).await.is_err(), "an unknown address gives no verdict");

    for account in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        assert!(!callers.verify(from(3, account, Guess::Wrong)).await.unwrap());
    }
    assert!(callers.verify(from(3, "ann", Guess::Right)).await.is_err());
    assert!(callers.verify(from(4, "ann", Guess::Right)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nobody_is_verified() {
    let cluster = Cluster::new();
    let node = cluster.node();
    cluster.store.away.store(true, SeqCst);
    assert_eq!(attempt(&node, "ann", Guess::Right).await.unwrap_err().kind(), FailureKind::Error);
    assert_eq!(cluster.asked(), 0);

    let open = cluster.node().fail_open(true);
    assert!(attempt(&open, "ann", Guess::Right).await.unwrap());
    assert!(!attempt(&open, "ann", Guess::Wrong).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_guess_that_cannot_be_counted_is_not_answered() {
    for (guess, open, answer) in [
        (Guess::Wrong, false, None),
        (Guess::Wrong, true, Some(false)),
        (Guess::Right, false, Some(true)),
        (Guess::Right, true, Some(true)),
    ] {
        let cluster = Cluster::new();
        let node = cluster.node().fail_open(open);
        let (result, ()) = tokio::join!(attempt(&node, "ann", guess), async {
            sleep(Duration::from_millis(50)).await;
            cluster.store.away.store(true, SeqCst);
        });
        assert_eq!((cluster.asked(), result.ok()), (1, answer));
    }
}

#[tokio::test(start_paused = true)]
async fn reservations_are_released_when_the_store_is_back() {
    let cluster = Cluster::new();
    let (one, other) = (cluster.node(), cluster.node());
    let nodes = [&one, &other];
    let (results, ()) = tokio::join!(many(&nodes, Guess::Right), async {
        sleep(Duration::from_millis(50)).await;
        cluster.store.away.store(true, SeqCst);
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10, "those under way are answered");

    sleep(Duration::from_secs(10)).await;
    cluster.clock.advance(Duration::from_secs(10));
    cluster.store.away.store(false, SeqCst);
    let back = Instant::now();
    assert!(attempt(&one, "ann", Guess::Right).await.unwrap());
    assert!(back.elapsed() <= Duration::from_secs(2), "after {:?}", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn unsettled_attempts_are_limited_while_the_store_is_away() {
    let cluster = Cluster::new();
    let node = cluster.node();
    cluster.store.away.store(true, SeqCst);
    for number in 0..3000 {
        let name: &'static str = format!("made up {number}").leak();
        attempt(&node, name, Guess::Wrong).await.unwrap_err();
        attempt(&node, "ann", Guess::Wrong).await.unwrap_err();
    }
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!((900..=1000).contains(&tasks), "{tasks} tasks");
    sleep(MINUTE).await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn reservations_that_cannot_be_released_expire() {
    let cluster = Cluster::new();
    let node = cluster.node();
    let nodes = [&node];
    tokio::join!(many(&nodes, Guess::Right), async {
        sleep(Duration::from_millis(50)).await;
        cluster.store.away.store(true, SeqCst);
    });
    let operations = async || {
        let before = cluster.store.operations.load(SeqCst);
        sleep(MINUTE).await;
        cluster.store.operations.load(SeqCst) - before
    };
    assert!(operations().await > 0);
    cluster.clock.advance(Duration::from_secs(30));
    operations().await;
    assert_eq!(operations().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_principal_costs_two_operations_and_leaves_nothing() {
    let cluster = Cluster::new();
    let node = cluster.node();
    attempt(&node, "ann", Guess::Right).await.unwrap();
    assert_eq!(cluster.store.operations.load(SeqCst), 2);
    cluster.clock.advance(Duration::from_millis(1));
    let key = cluster.store.keys.lock().unwrap()[0].clone();
    assert_eq!(cluster.store.store.get(&key).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn keys_in_the_store_hide_the_principal_and_depend_on_the_key() {
    let cluster = Cluster::new();
    let node = cluster.node();
    attempt(&node, "ann", Guess::Wrong).await.unwrap();
    let keys = cluster.store.keys.lock().unwrap().clone();
    assert!(keys.iter().all(|key| key.starts_with("throttle:") && key.len() <= 22 && !key.contains("ann")), "{keys:?}");
    let account: Account = |request| Some(request.body().account);
    let other = Throttle::new(Arc::clone(&cluster.verifier), Arc::clone(&cluster.store), [8; 32], account);
    assert_ne!(node.digest(&[b"principal", b"ann"]), other.digest(&[b"principal", b"ann"]));
    assert_ne!(node.digest(&[b"principal", b"ann"]), node.digest(&[b"caller", b"ann"]));
    assert_ne!(node.accounts.prefix, other.accounts.prefix);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_decoded_gives_no_verdict_and_stays() {
    for value in [&br#"{"failures":[]}"#[..], &[2, 0, 0], &[1, 0], &[0]] {
        let (cluster, value) = (Cluster::new(), Bytes::from_static(value));
        let (node, open) = (cluster.node(), cluster.node().fail_open(true));
        attempt(&node, "ann", Guess::Right).await.unwrap();
        let key = cluster.store.keys.lock().unwrap()[0].clone();
        cluster.store.put(&key, value.clone(), MINUTE).await.unwrap();
        let error = attempt(&node, "ann", Guess::Right).await.unwrap_err();
        assert!(format!("{error:?}").contains("cannot decode"), "{error:?}");
        assert_eq!((error.kind(), cluster.asked()), (FailureKind::Error, 1));
        assert!(attempt(&open, "ann", Guess::Right).await.unwrap());
        sleep(MINUTE).await;
        assert_eq!(cluster.store.store.get(&key).await.unwrap(), Some(value));
    }
}

#[tokio::test(start_paused = true)]
async fn callers_are_throttled_by_their_network() {
    let cluster = Cluster::new();
    let node = cluster.node().by_caller(3, ClientAddr::peer()).unwrap();
    let from = |address: &str, account| {
        let mut request = Request::new(Attempt { account, guess: Guess::Wrong });
        request.extensions_mut().insert(PeerAddr((address.parse::<IpAddr>().unwrap(), 4711).into()));
        let result = node.verify(request);
        async { throttled_for(result.await.map_err(Failure::from_error)).is_some() }
    };
    for account in ["ann", "bob", ""] {
        assert!(!from("2001:db8::1", account).await);
    }
    assert!(from("2001:db8::2", "cid").await, "the same /64");
    assert!(!from("2001:db8:0:1::1", "cid").await, "another one");
    for account in ["dan", "eve", "fay"] {
        assert!(!from("192.0.2.1", account).await);
    }
    assert!(from("::ffff:192.0.2.1", "gil").await, "the same address, seen as IPv6");
    assert!(!from("192.0.2.2", "gil").await);
    let unknown = attempt(&node, "hal", Guess::Right).await.unwrap_err();
    assert!(format!("{unknown:?}").contains("PeerAddr"), "{unknown:?}");
    assert_eq!(cluster.asked(), 8);
}

#[tokio::test(start_paused = true)]
async fn without_a_principal_nothing_is_counted() {
    let cluster = Cluster::new();
    let node = cluster.node().limit(1, MINUTE).unwrap();
    for _ in 0..3 {
        assert!(!attempt(&node, "", Guess::Wrong).await.unwrap());
    }
    assert_eq!(cluster.store.operations.load(SeqCst), 0);
}

#[test]
fn a_throttle_that_throttles_nothing_is_a_config_error() {
    assert!(Cluster::new().node().limit(0, MINUTE).is_err());
    assert!(Cluster::new().node().by_caller(0, ClientAddr::peer()).is_err());
    assert!(Cluster::new().node().waits(Duration::ZERO, MINUTE).is_err());
    assert!(Cluster::new().node().waits(MINUTE, Duration::ZERO).is_err());
    assert!(Cluster::new().node().reservation(Duration::from_micros(999)).is_err());
}
