//! Failed attempts are counted across all nodes.

use futures::future::join_all;

use crate::{
    answer::Said,
    calls::{PASSWORD, USERNAME},
    cluster::Cluster,
};

/// The number of attempts that may fail, by default of the example.
const LIMIT: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn failures_on_different_nodes_add_up() {
    let cluster = Cluster::of_three(&[]).await;
    for (node, failures) in cluster.nodes.iter().zip([4, 3, 3]) {
        for _ in 0..failures {
            assert!(node.talkdesk(USERNAME, "wrong").await.is_refused("access_denied"));
        }
    }
    for node in cluster.nodes.iter() {
        assert_eq!(node.talkdesk(USERNAME, "wrong").await, Said::Throttled);
        assert_eq!(node.talkdesk(USERNAME, PASSWORD).await, Said::Throttled, "a right password is throttled too");
        assert!(node.talkdesk("another", "wrong").await.is_refused("access_denied"), "other users are not throttled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_guesses_are_answered_up_to_the_limit() {
    let cluster = Cluster::of_three(&[]).await;
    for principal in ["ann", "bob", "cid"] {
        let guesses = join_all((0..100).map(|number| cluster.node(number).talkdesk(principal, "wrong"))).await;
        let (denied, others): (Vec<_>, Vec<_>) = guesses.into_iter().partition(|said| said.is_refused("access_denied"));
        assert!(denied.len() <= LIMIT, "{} guesses were answered", denied.len());
        assert!(others.iter().all(|said| *said == Said::Throttled), "{others:?}");

        let token = cluster.node(0).customer_token(principal, "device").await;
        let guesses = join_all((0..100).map(|number| cluster.node(number).customer(&token, principal, "other"))).await;
        let (denied, others): (Vec<_>, Vec<_>) =
            guesses.into_iter().partition(|said| said.is_refused("InvalidDeviceId"));
        assert!(denied.len() <= LIMIT, "{} guesses were answered", denied.len());
        assert!(others.iter().all(|said| *said == Said::NoVerdict), "{others:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_nothing_is_throttled() {
    let cluster = Cluster::of_three(&[("THROTTLE_FAILURES", "0")]).await;
    let guesses = join_all((0..100).map(|number| cluster.node(number).talkdesk(USERNAME, "wrong"))).await;
    assert!(guesses.iter().all(|said| said.is_refused("access_denied")), "{guesses:?}");
    assert!(cluster.node(0).talkdesk(USERNAME, PASSWORD).await.is_admitted());
}
