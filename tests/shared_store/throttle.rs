//! The throttle on several nodes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use futures::future::join_all;
use http::Request;
use tokio::time::timeout;
use tower_verify::{
    BoxError, Credential, Failure, FailureKind, ManualClock, Verifier, policy::Throttle, store::SharedStore,
};

use crate::{State, in_every_state};

in_every_state! {
    failures_on_different_nodes_add_up_and_each_wait_is_longer
    ten_of_many_concurrent_wrong_guesses_are_verified
    many_concurrent_valid_logins_are_all_admitted
    an_attempt_without_a_verdict_is_not_counted
}

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
enum Guess {
    Right,
    Wrong,
    Broken,
    Hanging,
}

struct Attempt {
    account: &'static str,
    guess: Guess,
}

impl Credential for Attempt {
    type Verdict = bool;
}

/// A verifier that yields before it answers, and counts its calls.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Verifier<Attempt> for Counting {
    async fn verify(&self, request: Request<Attempt>) -> Result<bool, BoxError> {
        tokio::task::yield_now().await;
        self.0.fetch_add(1, SeqCst);
        match request.body().guess {
            Guess::Right => Ok(true),
            Guess::Wrong => Ok(false),
            Guess::Broken => Err("the database is away".into()),
            Guess::Hanging => std::future::pending().await,
        }
    }
}

type Account = fn(&Request<Attempt>) -> Option<&'static str>;
type Node = Throttle<Arc<Counting>, SharedStore, Account>;

/// Three nodes with one verifier and one clock.
struct Cluster {
    verifier: Arc<Counting>,
    clock: ManualClock,
    nodes: [Arc<Node>; 3],
    _state: State,
}

impl Cluster {
    async fn on(state: State, limit: u32) -> Self {
        let (verifier, clock) = (Arc::<Counting>::default(), ManualClock::new(SystemTime::UNIX_EPOCH + MINUTE));
        let account: Account = |request| Some(request.body().account);
        let nodes = state.nodes().await.map(|store| {
            let node = Throttle::new(Arc::clone(&verifier), store, [7; 32], account).clock(clock.clone());
            // The long timeout keeps a busy machine from failing the test.
            Arc::new(node.limit(limit, 15 * MINUTE).unwrap().pending_timeout(MINUTE))
        });
        Self { verifier, clock, nodes, _state: state }
    }

    async fn attempt(&self, number: usize, account: &'static str, guess: Guess) -> Result<bool, Failure> {
        let attempt = self.nodes[number % 3].verify(Request::new(Attempt { account, guess }));
        attempt.await.map_err(Failure::from_error)
    }

    /// Makes two hundred attempts at once.
    async fn many(&self, guess: Guess) -> Vec<Result<bool, Failure>> {
        let attempts = (0..200).map(|number| {
            let node = Arc::clone(&self.nodes[number % 3]);
            tokio::spawn(async move { node.verify(Request::new(Attempt { account: "ann", guess })).await })
        });
        join_all(attempts).await.into_iter().map(|result| result.unwrap().map_err(Failure::from_error)).collect()
    }

    fn asked(&self) -> usize {
        self.verifier.0.load(SeqCst)
    }
}

fn throttled_for(result: Result<bool, Failure>) -> Option<Duration> {
    let failure = result.err().filter(|failure| failure.kind() == FailureKind::Throttled)?;
    failure.retry_after()
}

async fn failures_on_different_nodes_add_up_and_each_wait_is_longer(state: State) {
    let cluster = Cluster::on(state, 10).await;
    for number in 0..10 {
        assert!(cluster.attempt(number + 1, "ann", Guess::Right).await.unwrap(), "successes change nothing");
        assert!(!cluster.attempt(number, "ann", Guess::Wrong).await.unwrap());
    }
    for number in 0..3 {
        assert_eq!(throttled_for(cluster.attempt(number, "ann", Guess::Right).await), Some(MINUTE));
        assert!(cluster.attempt(number, "bob", Guess::Right).await.unwrap());
    }
    cluster.clock.advance(MINUTE);
    assert!(cluster.attempt(0, "ann", Guess::Right).await.unwrap());
    assert!(!cluster.attempt(1, "ann", Guess::Wrong).await.unwrap());
    assert_eq!(throttled_for(cluster.attempt(2, "ann", Guess::Wrong).await), Some(2 * MINUTE));
    assert_eq!(cluster.asked(), 25);
}

async fn ten_of_many_concurrent_wrong_guesses_are_verified(state: State) {
    let cluster = Cluster::on(state, 10).await;
    let results = cluster.many(Guess::Wrong).await;
    assert_eq!(cluster.asked(), 10);
    assert_eq!(results.into_iter().filter_map(throttled_for).collect::<Vec<_>>(), [MINUTE; 190]);
}

async fn many_concurrent_valid_logins_are_all_admitted(state: State) {
    let cluster = Cluster::on(state, 10).await;
    let results = cluster.many(Guess::Right).await;
    assert!(results.into_iter().all(|result| result.is_ok_and(|admitted| admitted)));
}

async fn an_attempt_without_a_verdict_is_not_counted(state: State) {
    let cluster = Cluster::on(state, 1).await;
    for number in 0..3 {
        let broken = cluster.attempt(number, "ann", Guess::Broken).await;
        assert_eq!(broken.unwrap_err().kind(), FailureKind::Error);
        let hanging = cluster.attempt(number, "ann", Guess::Hanging);
        assert!(timeout(Duration::from_millis(100), hanging).await.is_err());
        assert!(cluster.attempt(number + 1, "ann", Guess::Right).await.unwrap());
    }
}
