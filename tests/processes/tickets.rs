//! A ticket is valid once, whichever nodes it is presented to.

use futures::future::join_all;

use crate::{calls::APP_KEY, cluster::Cluster};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_hundred_exchanges_of_a_ticket_on_three_nodes_succeeds() {
    let cluster = Cluster::of_three(&[]).await;
    for round in 0..5 {
        let issued = cluster.node(round).ticket("287").await;
        let ticket = issued.given("ticket").expect("a ticket is issued");
        let exchanges = join_all((0..300).map(|number| cluster.node(number).exchange(ticket, APP_KEY))).await;
        let (won, lost): (Vec<_>, Vec<_>) = exchanges.into_iter().partition(|said| said.is_admitted());
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(|said| said.is_refused("40103")), "{lost:?}");
        let access_token = won[0].given("accessToken").expect("an exchange gives an access token");
        for node in cluster.nodes.iter() {
            assert!(node.check(access_token).await.is_admitted());
        }
    }
}
