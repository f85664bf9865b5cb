//! The operator's view of a node: metrics, health, readiness, the log, and a stop that loses no call.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use http::Request;
use http_body_util::{BodyExt, Full};

use crate::{
    answer::Said,
    cluster::{Cluster, Node, OLD_KEY},
};

/// A time limit far above the time that anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

impl Node {
    /// Gets `path` from the operator's address, and returns the status and the body.
    async fn operator(&self, path: &str) -> (u16, String) {
        let metrics = self.metrics_url.as_deref().expect("the node serves no metrics");
        let url = metrics.replace("/metrics", path);
        let response = self.client.request(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), String::from_utf8(body.into()).unwrap())
    }

    /// Returns the value of a metric, or zero if there is none.
    async fn metric(&self, name: &str) -> f64 {
        let (status, text) = self.operator("/metrics").await;
        assert_eq!(status, 200);
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map_or(0.0, |value| value.trim().parse().unwrap())
    }
}

#[tokio::test]
async fn a_store_outage_shows_in_metrics_readiness_and_log() {
    const FAILED: &str =
        r#"tower_verify_requests_total{endpoint="taptalk.auth_ticket",outcome="error",error_type="error"}"#;
    let mut cluster = Cluster::start(&[OLD_KEY], &[("METRICS_LISTEN", "127.0.0.1:0"), ("RUST_LOG", "")]).await;
    let node = &cluster.nodes[0];
    assert!(node.ticket("287").await.is_admitted());
    for path in ["/healthz", "/readyz"] {
        assert_eq!(node.operator(path).await.0, 200, "{path}");
    }
    assert_eq!(node.metric(FAILED).await, 0.0);
    assert_eq!(node.log(), "", "a good call is not logged");

    cluster.redis.kill();
    let node = &cluster.nodes[0];
    assert_eq!(node.ticket("287").await, Said::NoVerdict);
    assert_eq!(node.metric(FAILED).await, 1.0);
    assert_eq!((node.operator("/healthz").await.0, node.operator("/readyz").await.0), (200, 503));
    let log = node.log();
    let line = log.lines().find(|line| line.contains(" ERROR ")).expect("a failure is logged by default");
    for part in ["taptalk.auth_ticket", "error.type=\"error\"", "the store is unavailable", "tower_verify.principal="] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test]
async fn a_terminated_node_answers_its_calls_before_it_stops() {
    const BODY: &str = r#"{"auth":{"username":"demo@example.com","password":"605b32dd"}}"#;
    const ACTIVE: &str = r#"tower_verify_active_requests{endpoint="talkdesk.validator"}"#;
    let node = Node::start([("LISTEN", "127.0.0.1:0"), ("METRICS_LISTEN", "127.0.0.1:0"), ("TOKEN_KEYS", OLD_KEY)]);
    let address = node.url.strip_prefix("http://").unwrap().to_owned();
    let mut connection = TcpStream::connect(&address).unwrap();
    let (first, rest) = BODY.split_at(20);
    write!(connection, "POST /auth HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{first}", BODY.len())
        .unwrap();
    until(async || node.metric(ACTIVE).await == 1.0).await;

    node.terminate();
    until(async || TcpStream::connect(&address).is_err()).await;
    connection.write_all(rest.as_bytes()).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.contains("login_id"), "{response}");
    assert!(node.stopped(), "the node stopped with an error");
}

/// Waits until `holds` returns true.
async fn until(holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "the condition does not become true");
        tokio::task::yield_now().await;
    }
}
