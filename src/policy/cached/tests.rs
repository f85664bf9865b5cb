use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use futures_util::{FutureExt, future::join_all};
use proptest::prelude::*;
use static_assertions::assert_impl_all;
use tokio::time::sleep;

use super::*;
use crate::{Failure, FailureKind, ManualClock};

const MINUTE: Duration = Duration::from_secs(60);

assert_impl_all!(Cached<Source, fn(&Request<Token>, &mut CacheKey), Version>: Send, Sync, Clone, fmt::Debug);

struct Token {
    account: &'static str,
    token: &'static str,
}

/// A verdict that says which version of the data it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    version: u64,
    good: bool,
}

impl Verdict for Version {
    fn admits(&self) -> bool {
        self.good
    }
}

impl Credential for Token {
    type Verdict = Version;
}

/// Reads the version, and takes 150 ms to return it.
#[derive(Default)]
struct Source {
    version: AtomicU64,
    asked: AtomicUsize,
}

impl Verifier<Token> for Arc<Source> {
    async fn verify(&self, request: Request<Token>) -> Result<Version, BoxError> {
        self.asked.fetch_add(1, SeqCst);
        let version = self.version.load(SeqCst);
        sleep(Duration::from_millis(150)).await;
        match request.body().token {
            "broken" => Err("the database is away".into()),
            "throttled" => Err(Failure::throttled(MINUTE).into()),
            "overloaded" => Err(Failure::overloaded().into()),
            "panicking" => panic!("the verifier has a mistake"),
            "hanging" => std::future::pending().await,
            token => Ok(Version { version, good: token != "wrong" }),
        }
    }
}

type Key = fn(&Request<Token>, &mut CacheKey);
type Cache = Cached<Arc<Source>, Key, Version>;

fn cache() -> (Cache, Arc<Source>, ManualClock) {
    let source = Arc::<Source>::default();
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + MINUTE);
    let key: Key = |request, key| {
        key.principal(request.body().account).part(request.body().token);
    };
    (Cached::new(Arc::clone(&source), key).unwrap().clock(clock.clone()), source, clock)
}

async fn ask(cache: &Cache, account: &'static str, token: &'static str) -> Result<Version, Failure> {
    cache.verify(Request::new(Token { account, token })).await.map_err(Failure::from_error)
}

async fn ask_within(cache: &Cache, limit: u64) -> Option<Version> {
    timeout(Duration::from_millis(limit), ask(cache, "ann", "right")).await.ok().map(Result::unwrap)
}

fn asked(source: &Source) -> usize {
    source.asked.swap(0, SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_look_up_outlives_its_first_callers() {
    let (cache, source, _) = cache();
    let first = join_all((0..8).map(|_| ask_within(&cache, 100))).await;
    assert!(first.iter().all(Option::is_none), "a caller with 100 ms gets no verdict that takes 150 ms");
    sleep(Duration::from_millis(50)).await;
    let second = join_all((0..8).map(|_| ask_within(&cache, 100))).await;
    assert!(second.iter().all(Option::is_some));
    assert_eq!(asked(&source), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_during_a_look_up_shares_it() {
    let (cache, source, _) = cache();
    assert_eq!(ask_within(&cache, 100).await, None);
    assert!(ask_within(&cache, 100).await.is_some(), "the look-up needs 50 ms more");
    assert_eq!(asked(&source), 1);
}

#[tokio::test(start_paused = true)]
async fn positive_and_negative_verdicts_have_lifetimes_of_their_own() {
    for (token, ttl) in [("right", 60_000), ("wrong", 5_000)] {
        let (cache, source, clock) = cache();
        ask(&cache, "ann", token).await.unwrap();
        clock.advance(Duration::from_millis(ttl - 1));
        assert_eq!(ask(&cache, "ann", token).await.unwrap().good, token == "right");
        assert_eq!(asked(&source), 1);
        clock.advance(Duration::from_millis(1));
        ask(&cache, "ann", token).await.unwrap();
        assert_eq!(asked(&source), 1);
    }
    let (cache, source, _) = cache();
    let cache = cache.positive_ttl(Duration::ZERO).negative_ttl(Duration::ZERO);
    for token in ["right", "right", "wrong", "wrong"] {
        ask(&cache, "ann", token).await.unwrap();
    }
    assert_eq!(asked(&source), 4);
}

#[tokio::test(start_paused = true)]
async fn a_positive_verdict_is_not_cached_after_its_expiry() {
    let (cache, source, clock) = cache();
    let end = clock.now() + Duration::from_secs(10);
    let cache = cache.expires_at(move |_| Some(end));
    ask(&cache, "ann", "right").await.unwrap();
    clock.advance(Duration::from_millis(9_999));
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1);
    clock.advance(Duration::from_millis(1));
    ask(&cache, "ann", "right").await.unwrap();
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 2, "an expired verdict is not cached");
    ask(&cache, "ann", "wrong").await.unwrap();
    ask(&cache, "ann", "wrong").await.unwrap();
    assert_eq!(asked(&source), 1, "a negative verdict has no expiry of its own");
}

#[tokio::test(start_paused = true)]
async fn setting_the_wall_clock_prolongs_no_verdict() {
    for jump in [3600, 60, 1, 0] {
        let jump = Duration::from_secs(jump);
        let (cache, source, clock) = cache();
        let end = clock.now() + Duration::from_secs(30);
        let cache = cache.expires_at(move |verdict| verdict.good.then_some(end).filter(|_| verdict.version > 0));
        clock.set(clock.now() + jump);
        ask(&cache, "ann", "right").await.unwrap();
        clock.set(clock.now() - jump);
        clock.advance(MINUTE - Duration::from_millis(1));
        ask(&cache, "ann", "right").await.unwrap();
        assert_eq!(asked(&source), 1, "a jump back of {jump:?}");
        clock.advance(Duration::from_millis(1));
        ask(&cache, "ann", "right").await.unwrap();
        assert_eq!(asked(&source), 1, "a jump back of {jump:?}");
    }

    let (cache, source, clock) = cache();
    let end = clock.now() + Duration::from_secs(30);
    let cache = cache.expires_at(move |_| Some(end));
    ask(&cache, "ann", "right").await.unwrap();
    clock.set(end - Duration::from_millis(1));
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1);
    clock.set(end);
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1, "the verdict has expired by the wall clock");

    clock.set(end - Duration::from_secs(10));
    cache.invalidate_all();
    ask(&cache, "ann", "right").await.unwrap();
    clock.set(end - Duration::from_secs(3600));
    clock.advance(Duration::from_millis(9_999));
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1);
    clock.advance(Duration::from_millis(1));
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1, "the verdict had ten seconds left");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A verdict is cached for its lifetime by the monotonic clock, and never after its expiry by the wall clock.
    #[test]
    fn no_verdict_is_cached_beyond_its_lifetime(
        steps in prop::collection::vec((0..3u8, 0..90_000u64), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (cache, source, clock) = cache();
            let end = clock.now() + MINUTE;
            let cache = cache.expires_at(move |_| Some(end));
            let mut remembered: Option<Duration> = None;
            for (step, amount) in steps {
                match step {
                    0 => clock.advance(Duration::from_millis(amount)),
                    1 => clock.set(SystemTime::UNIX_EPOCH + Duration::from_millis(amount)),
                    _ => {
                        ask(&cache, "ann", "right").await.unwrap();
                        let known = asked(&source) == 0;
                        let holds = remembered.is_some_and(|until| clock.monotonic() < until) && clock.now() < end;
                        prop_assert_eq!(known, holds);
                        if !known {
                            let left = end.duration_since(clock.now()).unwrap_or_default();
                            remembered = Some(clock.monotonic() + left.min(MINUTE));
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_closure_of_the_app_may_use_the_cache() {
    let (cache, source, _) = cache();
    let other = cache.clone();
    let cache = cache.expires_at(move |_| {
        other.invalidate("bob");
        None
    });
    let answer = timeout(MINUTE, ask(&cache, "ann", "right")).await.expect("there is no deadlock");
    assert!(answer.unwrap().good);
    assert_eq!(asked(&source), 1);
}

/// Hangs until it is dropped, and counts the calls under way.
#[derive(Default)]
struct Hanging {
    under_way: AtomicUsize,
}

impl Verifier<Token> for Arc<Hanging> {
    async fn verify(&self, _: Request<Token>) -> Result<Version, BoxError> {
        struct UnderWay<'a>(&'a AtomicUsize);

        impl Drop for UnderWay<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }

        self.under_way.fetch_add(1, SeqCst);
        let _under_way = UnderWay(&self.under_way);
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_few_look_ups_go_on_unattended() {
    let verifier = Arc::<Hanging>::default();
    let part = AtomicU64::new(0);
    let key = move |_: &Request<Token>, key: &mut CacheKey| {
        key.part(part.fetch_add(1, SeqCst).to_be_bytes());
    };
    let cache = Cached::new(Arc::clone(&verifier), key).unwrap().unattended_look_ups(3);
    let ask = || cache.verify(Request::new(Token { account: "ann", token: "right" }));
    let attended = tokio::spawn(ask_for_ever(cache.clone()));
    for _ in 0..1000 {
        assert!(timeout(Duration::from_millis(1), ask()).await.is_err());
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(verifier.under_way.load(SeqCst), 3 + 1, "three unattended ones, and one that is waited for");
    sleep(Duration::from_secs(31)).await;
    assert_eq!(verifier.under_way.load(SeqCst), 0, "they end after their timeout");
    assert!(attended.await.unwrap().is_err());
    assert!(timeout(Duration::from_millis(1), ask()).await.is_err());
    assert_eq!(verifier.under_way.load(SeqCst), 1, "others can then go on");
}

async fn ask_for_ever<K>(cache: Cached<Arc<Hanging>, K, Version>) -> Result<Version, BoxError>
where
    K: Fn(&Request<Token>, &mut CacheKey) + Send + Sync + 'static,
{
    cache.verify(Request::new(Token { account: "ann", token: "right" })).await
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_joins_an_unattended_look_up_is_answered() {
    let (cache, source, _) = cache();
    for (unattended, looked_up) in [(0, 2), (1, 1)] {
        let cache = cache.clone().unattended_look_ups(unattended);
        cache.invalidate_all();
        assert_eq!(ask_within(&cache, 100).await, None);
        sleep(Duration::from_millis(1)).await;
        assert!(ask(&cache, "ann", "right").await.unwrap().good);
        assert_eq!(asked(&source), looked_up);
    }
}

#[tokio::test(start_paused = true)]
async fn all_waiters_receive_a_failure_and_it_is_not_cached() {
    for (token, kind, retry_after) in [
        ("broken", FailureKind::Error, None),
        ("throttled", FailureKind::Throttled, Some(MINUTE)),
        ("overloaded", FailureKind::Overloaded, None),
        ("panicking", FailureKind::Panicked, None),
    ] {
        let (cache, source, _) = cache();
        for _ in 0..2 {
            for result in join_all((0..3).map(|_| ask(&cache, "ann", token))).await {
                let failure = result.unwrap_err();
                assert_eq!((failure.kind(), failure.retry_after()), (kind, retry_after));
                let source = std::error::Error::source(&failure).map(ToString::to_string);
                assert_eq!(source.as_deref(), (token == "broken").then_some("the database is away"));
            }
            assert_eq!(asked(&source), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_hangs_times_out() {
    let (cache, source, _) = cache();
    let start = tokio::time::Instant::now();
    let failure = ask(&cache, "ann", "hanging").await.unwrap_err();
    assert_eq!((failure.kind(), start.elapsed().as_secs()), (FailureKind::Error, 30));
    ask(&cache, "ann", "hanging").await.unwrap_err();
    assert_eq!(asked(&source), 2);
}

#[tokio::test(start_paused = true)]
async fn every_key_has_its_own_verdict() {
    let (cache, source, _) = cache();
    for (account, token) in [("ann", "right"), ("bob", "right"), ("ann", "wrong"), ("annr", "ight"), ("", "annright")] {
        assert_eq!(ask(&cache, account, token).await.unwrap().good, token != "wrong");
    }
    assert_eq!(asked(&source), 5);
}

#[tokio::test(start_paused = true)]
async fn invalidating_a_principal_removes_only_its_verdicts() {
    let (cache, source, _) = cache();
    for token in ["right", "wrong", "other"] {
        ask(&cache, "ann", token).await.unwrap();
    }
    ask(&cache, "bob", "right").await.unwrap();
    assert_eq!(asked(&source), 4);
    cache.clone().invalidate("ann");
    ask(&cache, "bob", "right").await.unwrap();
    assert_eq!(asked(&source), 0);
    for token in ["right", "wrong", "other"] {
        ask(&cache, "ann", token).await.unwrap();
    }
    assert_eq!(asked(&source), 3);
    cache.clone().invalidate_all();
    ask(&cache, "ann", "right").await.unwrap();
    ask(&cache, "bob", "right").await.unwrap();
    assert_eq!(asked(&source), 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_from_before_an_invalidation_is_not_cached() {
    for all in [false, true] {
        let (cache, source, _) = cache();
        let (before, after) = tokio::join!(ask(&cache, "ann", "right"), async {
            sleep(Duration::from_millis(50)).await;
            source.version.store(1, SeqCst);
            if all {
                cache.invalidate_all()
            } else {
                cache.invalidate("ann")
            }
            ask(&cache, "ann", "right").await
        });
        assert_eq!((before.unwrap().version, after.unwrap().version), (0, 1));
        assert_eq!(ask(&cache, "ann", "right").await.unwrap().version, 1);
        assert_eq!(asked(&source), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn look_ups_over_the_limit_are_not_shared() {
    let (cache, source, _) = cache();
    let cache = cache.max_entries(1);
    let (one, two, three) =
        tokio::join!(ask(&cache, "ann", "right"), ask(&cache, "bob", "right"), ask(&cache, "bob", "right"));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(asked(&source), 3);
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 0);
}

#[test]
fn outside_of_a_runtime_there_is_no_verdict() {
    let (cache, source, _) = cache();
    let failure = ask(&cache, "ann", "right").now_or_never().unwrap().unwrap_err();
    assert_eq!((failure.kind(), asked(&source)), (FailureKind::Error, 0));
}

#[tokio::test(start_paused = true)]
async fn an_invalidated_look_up_without_waiters_is_not_cached() {
    let (cache, source, _) = cache();
    assert_eq!(ask_within(&cache, 100).await, None);
    source.version.store(1, SeqCst);
    cache.invalidate("ann");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(&cache, "ann", "right").await.unwrap().version, 1);
    assert_eq!(asked(&source), 2);
}

/// Reads the version at once, and yields to other tasks before it returns the version.
struct Quick(Arc<Source>);

impl Verifier<Token> for Quick {
    async fn verify(&self, _: Request<Token>) -> Result<Version, BoxError> {
        let version = self.0.version.load(SeqCst);
        tokio::task::yield_now().await;
        Ok(Version { version, good: true })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_no_verdict_is_older_than_the_last_invalidation() {
    let source = Arc::<Source>::default();
    let key: Key = |request, key| {
        key.principal(request.body().account);
    };
    let cache = Cached::new(Quick(Arc::clone(&source)), key).unwrap();
    let tasks = (0..4).map(|_| {
        let (cache, source) = (cache.clone(), Arc::clone(&source));
        tokio::spawn(async move {
            for _ in 0..2000 {
                let version = source.version.fetch_add(1, SeqCst) + 1;
                cache.invalidate("ann");
                let verdict = cache.verify(Request::new(Token { account: "ann", token: "right" })).await.unwrap();
                assert!(verdict.version >= version, "{verdict:?} is older than {version}");
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}
