//! The store with Sentinel, and with a cluster.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::sleep;
use tower_verify::store::{RedisConfig, RedisStore, SharedStore, Store, conformance};

use crate::{MINUTE, redis_server::RedisServer, sentinel::Sentinel};

/// A time limit far above the time that anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn ask(server: &RedisServer, command: &[&str]) -> String {
    let mut words = redis::cmd(command[0]);
    let answer: redis::Value = words.arg(&command[1..]).query_async(&mut server.raw().await).await.unwrap();
    format!("{answer:?}")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Creates a directory for a server that writes its configuration.
fn temporary(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("tower-verify-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_follows_sentinel_to_a_new_primary() {
    let (mut old, new) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    ask(&new, &["REPLICAOF", "127.0.0.1", &old.port.to_string()]).await;
    let sentinel = Sentinel::start(old.port);
    let config = RedisConfig::sentinel("redis://primary/", [&*sentinel.url()]).unwrap();
    let mut connected: Option<RedisStore> = None;
    until("the sentinel knows the primary", async || {
        connected = config.clone().connect().await.ok();
        connected.is_some()
    })
    .await;
    let store = connected.unwrap();
    conformance::check(SharedStore::new(store.clone()), tokio::spawn, sleep).await;

    until("the sentinel knows the replica", async || {
        let mut sentinel =
            redis::Client::open(sentinel.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        let replicas: redis::Value =
            redis::cmd("SENTINEL").arg(&["REPLICAS", "primary"]).query_async(&mut sentinel).await.unwrap();
        format!("{replicas:?}").contains(&new.port.to_string())
    })
    .await;
    old.kill();
    until("the replica takes over", async || ask(&new, &["ROLE"]).await.contains("master")).await;
    let promoted = Instant::now();
    let mut lost = 0;
    while store.put("key", Bytes::from("value"), MINUTE).await.is_err() {
        lost += 1;
        assert!(promoted.elapsed() < Duration::from_secs(5), "{lost} calls were lost");
    }
    assert!(promoted.elapsed() < Duration::from_secs(2), "after {:?}", promoted.elapsed());
    assert_eq!(store.get("key").await.unwrap().unwrap(), "value");
}

#[tokio::test]
async fn a_write_is_confirmed_if_enough_replicas_have_it() {
    let (primary, replica) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    let connect = |replicas| {
        let config = RedisConfig::new(&primary.url()).unwrap().response_timeout(Duration::from_secs(2));
        config.wait_for_replicas(replicas).connect()
    };
    connect(0).await.unwrap();
    let too_few = async |replicas| {
        let error = connect(replicas).await.unwrap_err();
        let reason = std::error::Error::source(&error).expect("an error has a source").to_string();
        assert!(reason.contains("too few replicas"), "{reason}");
    };
    too_few(1).await;
    ask(&replica, &["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await;
    let mut connected = None;
    until("the replica follows", async || {
        connected = connect(1).await.ok();
        connected.is_some()
    })
    .await;
    too_few(2).await;
    connected.unwrap().put("key", Bytes::from("value"), MINUTE).await.unwrap();
    assert!(ask(&replica, &["GET", "key"]).await.contains("value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_conforms_and_is_refused_while_slots_are_missing() {
    let (mut nodes, buses) = (Vec::new(), [free_port(), free_port(), free_port()].map(|port| port.to_string()));
    let directory = temporary(&buses[0]);
    for bus in &buses {
        let file = directory.join(bus).display().to_string();
        let options = ["--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-config-file", &file];
        // `RedisServer` wants options with the lifetime `'static`.
        let options: Vec<&'static str> = options.map(|option| &*option.to_owned().leak()).into();
        nodes.push(RedisServer::start(options.leak()).await);
    }
    let urls: Vec<String> = nodes.iter().map(RedisServer::url).collect();
    let cluster = || RedisConfig::cluster(urls.iter().map(String::as_str)).unwrap().connect();
    let reason = cluster().await.unwrap_err();
    let reason = std::error::Error::source(&reason).expect("an error has a source").to_string();
    assert_eq!(reason, "the cluster's state is `fail`: it serves 0 of 16384 slots");
    let alone = RedisServer::start(&[]).await;
    let error = RedisConfig::cluster([&*alone.url()]).unwrap().connect().await.unwrap_err();
    let reason = std::error::Error::source(&error).expect("an error has a source").to_string();
    assert!(reason.contains("cluster support disabled"), "{reason}");

    for (node, slots) in nodes.iter().zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]]) {
        ask(node, &["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]).await;
        ask(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes[0].port.to_string(), &buses[0]]).await;
    }
    until("the nodes know each other", async || {
        let mut ready = true;
        for node in &nodes {
            ready &= ask(node, &["CLUSTER", "INFO"]).await.contains("cluster_state:ok");
            ready &= ask(node, &["CLUSTER", "INFO"]).await.contains("cluster_known_nodes:3");
        }
        ready
    })
    .await;
    let store = cluster().await.unwrap();
    conformance::check(SharedStore::new(store.clone()), tokio::spawn, sleep).await;

    // These keys are spread over all three nodes.
    for number in 0..100 {
        store.put(&format!("key:{number}"), Bytes::from("value"), MINUTE).await.unwrap();
        assert_eq!(store.take(&format!("key:{number}")).await.unwrap().unwrap(), "value");
    }
    drop(nodes);
    fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_cluster_that_is_content_without_all_slots_is_refused() {
    let bus: &'static str = free_port().to_string().leak();
    let directory = temporary(bus);
    let file: &'static str = directory.join("nodes").display().to_string().leak();
    let options = ["--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-config-file", file];
    let options = [&options[..], &["--cluster-require-full-coverage", "no"]].concat().leak();
    let node = RedisServer::start(options).await;
    ask(&node, &["CLUSTER", "ADDSLOTSRANGE", "0", "99"]).await;
    until("the node is content", async || ask(&node, &["CLUSTER", "INFO"]).await.contains("cluster_state:ok")).await;
    let refused = RedisConfig::cluster([&*node.url()]).unwrap().connect().await.unwrap_err();
    let reason = std::error::Error::source(&refused).expect("an error has a source").to_string();
    assert_eq!(reason, "the cluster's state is `ok`: it serves 100 of 16384 slots");
    drop(node);
    fs::remove_dir_all(&directory).unwrap();
}
