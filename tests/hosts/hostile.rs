//! Honest clients beside slow and hostile peers, over real sockets. `cargo bench --bench scale -- hostile` does this with
//! thousands of connections.

#[path = "../support/hostile/mod.rs"]
mod peers;

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use tokio::time::{Instant, sleep};

use self::peers::{Attack, Honest, Limits, Server};

const LIMITS: Limits = Limits { head: Duration::from_millis(500), deadline: Duration::from_millis(500) };

/// How long the attacks last.
const ATTACKED: Duration = Duration::from_secs(3);

/// How many peers attack in each way.
const PEERS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_honest_call_is_answered_beside_hostile_peers() {
    let server = Server::bind(LIMITS).await.unwrap();
    let (address, open) = (server.address, server.open());
    let serving = tokio::spawn(server.serve());
    let until = Instant::now() + ATTACKED;
    let attacks: Vec<_> = Attack::ALL
        .into_iter()
        .flat_map(|attack| (0..PEERS).map(move |_| (attack, tokio::spawn(attack.run(address, until)))))
        .collect();
    let honest = Honest::run(address, 10, until, Duration::from_millis(10)).await;
    assert!(honest.failures.is_empty(), "{:?}", honest.failures);
    assert!(honest.latencies.len() >= 100, "{} calls", honest.latencies.len());
    for (attack, peer) in attacks {
        let (connections, longest) = peer.await.unwrap();
        println!("{attack:?}: {connections} connections, the longest for {longest:?}");
        let limited = matches!(
            attack,
            Attack::Silent
                | Attack::DrippedHead
                | Attack::DrippedPreface
                | Attack::DrippedBody
                | Attack::HalfClosed
                | Attack::LyingLength
                | Attack::ContinuationFlood
        );
        assert!(
            !limited || longest < ATTACKED - Duration::from_millis(500),
            "{attack:?} held a connection for {longest:?}"
        );
    }
    println!("{} honest calls, p99 {:?}", honest.latencies.len(), honest.percentile(0.99));
    let closed_by = Instant::now() + Duration::from_secs(20);
    while open.load(SeqCst) > 0 && Instant::now() < closed_by {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(open.load(SeqCst), 0, "connections are open after their peers have left");
    serving.abort();
}
