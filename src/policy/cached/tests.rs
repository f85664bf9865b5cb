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

/// A verdict that says which state of the world it was made from.
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

/// Looks at the world, and takes 150 ms to say what it saw.
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
async fn a_look_up_outlives_those_who_began_it() {
    let (cache, source, _) = cache();
    let first = join_all((0..8).map(|_| ask_within(&cache, 100))).await;
    assert!(first.iter().all(Option::is_none), "a caller who has 100 ms does not get what takes 150 ms");
    sleep(Duration::from_millis(50)).await;
    let second = join_all((0..8).map(|_| ask_within(&cache, 100))).await;
    assert!(second.iter().all(Option::is_some));
    assert_eq!(asked(&source), 1);
}

#[tokio::test(start_paused = true)]
async fn who_comes_during_a_look_up_shares_it() {
    let (cache, source, _) = cache();
    assert_eq!(ask_within(&cache, 100).await, None);
    assert!(ask_within(&cache, 100).await.is_some(), "it has 50 ms left to take");
    assert_eq!(asked(&source), 1);
}

#[tokio::test(start_paused = true)]
async fn verdicts_are_remembered_for_as_long_as_their_kind_is() {
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
async fn a_positive_verdict_is_not_remembered_longer_than_it_holds() {
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
    assert_eq!(asked(&source), 2, "what has ended already is not remembered at all");
    ask(&cache, "ann", "wrong").await.unwrap();
    ask(&cache, "ann", "wrong").await.unwrap();
    assert_eq!(asked(&source), 1, "a negative verdict does not end by itself");
}

#[tokio::test(start_paused = true)]
async fn setting_the_clock_makes_nothing_last_longer() {
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
    assert_eq!(asked(&source), 1, "what has ended by the wall clock has ended");

    clock.set(end - Duration::from_secs(10));
    cache.invalidate_all();
    ask(&cache, "ann", "right").await.unwrap();
    clock.set(end - Duration::from_secs(3600));
    clock.advance(Duration::from_millis(9_999));
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1);
    clock.advance(Duration::from_millis(1));
    ask(&cache, "ann", "right").await.unwrap();
    assert_eq!(asked(&source), 1, "it was to hold for ten seconds more");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is remembered is told for its time by the monotonic clock, and not after its end by the wall clock.
    #[test]
    fn nothing_is_remembered_for_longer_than_was_said(
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
async fn what_the_app_does_about_a_verdict_may_use_the_cache() {
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

/// Hangs until it is dropped, and counts how many are under way.
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
    assert_eq!(verifier.under_way.load(SeqCst), 0, "they are given up after their timeout");
    assert!(attended.await.unwrap().is_err());
    assert!(timeout(Duration::from_millis(1), ask()).await.is_err());
    assert_eq!(verifier.under_way.load(SeqCst), 1, "and make room for others");
}

async fn ask_for_ever<K>(cache: Cached<Arc<Hanging>, K, Version>) -> Result<Version, BoxError>
where
    K: Fn(&Request<Token>, &mut CacheKey) + Send + Sync + 'static,
{
    cache.verify(Request::new(Token { account: "ann", token: "right" })).await
}

#[tokio::test(start_paused = true)]
async fn who_joins_an_unattended_look_up_is_answered() {
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
async fn no_verdict_is_everybodys_and_is_not_remembered() {
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
async fn a_look_up_that_hangs_is_given_up() {
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
async fn invalidating_a_principal_forgets_its_verdicts_alone() {
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
async fn what_was_looked_up_before_it_was_invalidated_is_not_remembered() {
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
async fn more_look_ups_than_there_is_room_for_are_not_shared() {
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
async fn what_was_invalidated_is_not_remembered_though_nobody_asked_again() {
    let (cache, source, _) = cache();
    assert_eq!(ask_within(&cache, 100).await, None);
    source.version.store(1, SeqCst);
    cache.invalidate("ann");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(&cache, "ann", "right").await.unwrap().version, 1);
    assert_eq!(asked(&source), 2);
}

/// Sees the world at once, and lets others run before it says what it saw.
struct Quick(Arc<Source>);

impl Verifier<Token> for Quick {
    async fn verify(&self, _: Request<Token>) -> Result<Version, BoxError> {
        let version = self.0.version.load(SeqCst);
        tokio::task::yield_now().await;
        Ok(Version { version, good: true })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_nothing_older_than_the_last_invalidation_is_told() {
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
                assert!(verdict.version >= version, "{verdict:?} is told after {version}");
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}
