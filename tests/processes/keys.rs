//! A token that one node signs is valid on every node that has the key.

use crate::{
    answer::Said,
    calls::{APP_KEY, AgentSession},
    cluster::{Cluster, NEW_KEY, Node, OLD_KEY},
};

/// One of each kind of token that a node signs.
struct Signed {
    customer_token: String,
    agent_session: AgentSession,
    ticket: String,
    access_token: String,
    session: String,
}

impl Signed {
    async fn by(node: &Node) -> Self {
        let ticket = async || node.ticket("287").await.given("ticket").expect("a ticket is issued").to_owned();
        let exchanged = node.exchange(&ticket().await, APP_KEY).await;
        Self {
            customer_token: node.customer_token("1234567", "device").await,
            agent_session: node.agent_session("45186").await,
            ticket: ticket().await,
            access_token: exchanged.given("accessToken").expect("a ticket is exchanged").to_owned(),
            session: node.session().await,
        }
    }

    async fn is_good_on(&self, node: &Node) {
        assert!(node.customer(&self.customer_token, "1234567", "device").await.is_admitted());
        assert!(node.customer(&self.customer_token, "1234567", "other").await.is_refused("InvalidDeviceId"));
        assert!(node.agent(&self.agent_session, "45186").await.is_admitted());
        assert!(node.agent(&self.agent_session, "45187").await.is_refused("InvalidToken"));
        assert!(node.check(&self.access_token).await.is_admitted());
        assert_eq!(node.ticket_for_session(&self.session).await, 200);
        let exchanged = node.exchange(&self.ticket, APP_KEY).await;
        let access_token = exchanged.given("accessToken").expect("a ticket is exchanged");
        assert!(node.check(access_token).await.is_admitted());
    }

    async fn is_unknown_to(&self, node: &Node) {
        assert!(node.customer(&self.customer_token, "1234567", "device").await.is_refused("InvalidToken"));
        assert!(node.agent(&self.agent_session, "45186").await.is_refused("InvalidToken"));
        assert_eq!(node.check(&self.access_token).await, Said::Refused("40103".to_owned()));
        assert_eq!(node.exchange(&self.ticket, APP_KEY).await, Said::Refused("40103".to_owned()));
        assert_eq!(node.ticket_for_session(&self.session).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_one_node_signs_are_valid_on_the_others() {
    let cluster = Cluster::of_three(&[]).await;
    for number in 0..3 {
        Signed::by(cluster.node(number)).await.is_good_on(cluster.node(number + 1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_accepted_everywhere_before_it_signs() {
    let (old_signs, new_signs) = (format!("{OLD_KEY},{NEW_KEY}"), format!("{NEW_KEY},{OLD_KEY}"));
    let cluster = Cluster::start(&[&old_signs, &new_signs, OLD_KEY, NEW_KEY], &[]).await;
    let [old_signs, new_signs, only_old, only_new] = &cluster.nodes[..] else { panic!("four nodes are started") };
    Signed::by(old_signs).await.is_good_on(new_signs).await;
    Signed::by(new_signs).await.is_good_on(old_signs).await;
    Signed::by(old_signs).await.is_good_on(only_old).await;
    Signed::by(new_signs).await.is_good_on(only_new).await;
    Signed::by(new_signs).await.is_unknown_to(only_old).await;
    Signed::by(old_signs).await.is_unknown_to(only_new).await;
}
