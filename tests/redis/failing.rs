//! Connections that fail but stay open: the store replaces them, and works again in time.

use std::{
    error::Error,
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::join_all;
use tokio::time::sleep;
use tower_verify::store::{RedisConfig, RedisStore, Store, StoreError};

use crate::{MINUTE, fake, forwarder::Forwarder, redis_server::RedisServer};

/// Repeats a write until it succeeds. Returns the number of failed calls and the time that it took.
async fn until_served(store: &RedisStore) -> (u32, Duration) {
    let start = Instant::now();
    for lost in 0.. {
        let called = Instant::now();
        if store.put("key", Bytes::from("value"), MINUTE).await.is_ok() {
            return (lost, start.elapsed());
        }
        assert!(called.elapsed() < Duration::from_millis(1500), "a call took {:?}", called.elapsed());
        assert!(start.elapsed() < Duration::from_secs(30), "the store does not recover");
    }
    unreachable!()
}

async fn replicate(from: &RedisServer, options: &[&str]) {
    redis::cmd("REPLICAOF").arg(options).exec_async(&mut from.raw().await).await.unwrap();
}

#[tokio::test]
async fn a_demoted_primary_is_left_when_its_address_leads_to_the_new_one() {
    let (old, new) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    let forwarder = Forwarder::to(old.port).await;
    let store = RedisStore::connect(&forwarder.url()).await.unwrap();
    store.put("key", Bytes::from("value"), MINUTE).await.unwrap();

    // For a while, the address still leads to it. Each call is refused quickly, and does not open its own connection.
    replicate(&old, &["127.0.0.1", &new.port.to_string()]).await;
    let (demoted, mut refused) = (Instant::now(), 0);
    while demoted.elapsed() < Duration::from_secs(1) {
        let called = Instant::now();
        let StoreError::Unavailable(reason) = store.put("key", Bytes::from("value"), MINUTE).await.unwrap_err() else {
            panic!("the store is not full");
        };
        assert!(reason.to_string().contains("ReadOnly") || reason.to_string().contains("READONLY"), "{reason}");
        assert!(called.elapsed() < Duration::from_secs(1));
        refused += 1;
        sleep(Duration::from_millis(10)).await;
    }
    assert!(refused > 3);
    assert!(forwarder.connections() < 20, "{} connections", forwarder.connections());

    forwarder.lead_to(new.port);
    let (lost, time) = until_served(&store).await;
    assert!(lost <= 3 && time < Duration::from_secs(2), "{lost} calls were lost, in {time:?}");
}

#[tokio::test]
async fn a_silent_connection_is_replaced() {
    let server = RedisServer::start(&[]).await;
    let forwarder = Forwarder::to(server.port).await;
    let store = RedisStore::connect(&forwarder.url()).await.unwrap();
    for _ in 0..2 {
        sleep(Duration::from_millis(1100)).await;
        assert_eq!(until_served(&store).await.0, 0);
    }
    let before = forwarder.connections();
    forwarder.fall_silent();
    let (lost, time) = until_served(&store).await;
    assert!(lost <= 3 && time < Duration::from_secs(2), "{lost} calls were lost, in {time:?}");
    assert_eq!(forwarder.connections(), before + 1);
    assert_eq!(until_served(&store).await.0, 0);
}

#[tokio::test]
async fn a_slow_server_keeps_its_connection() {
    // Each answer takes 0.2 s. The last of four waits longer than a silence may last, but the connection is not silent.
    let (url, connections) = fake::start(None, Duration::from_millis(200)).await;
    let store = RedisStore::connect(&url).await.unwrap();
    let found = join_all((0..4).map(|_| store.get("key"))).await;
    assert!(found.iter().all(|found| matches!(found, Ok(None))), "{found:?}");
    assert_eq!(connections.load(SeqCst), 1);
}

#[tokio::test]
async fn an_error_of_a_wrong_server_replaces_the_connection() {
    for code in ["READONLY", "MASTERDOWN", "LOADING", "MOVED", "NOAUTH", "CLUSTERDOWN"] {
        let (url, connections) = fake::start(Some(code), Duration::ZERO).await;
        let store = RedisStore::connect(&url).await.unwrap();
        assert!(store.get("key").await.is_err(), "{code}");
        assert_eq!(store.get("key").await.unwrap(), None, "{code}");
        assert_eq!(connections.load(SeqCst), 2, "{code}");
    }
    let (url, connections) = fake::start(Some("ERR"), Duration::ZERO).await;
    let store = RedisStore::connect(&url).await.unwrap();
    assert!(store.get("key").await.is_err() && store.get("key").await.is_err());
    assert_eq!(connections.load(SeqCst), 1, "another error keeps the connection");
}

#[tokio::test]
async fn a_late_error_of_the_old_connection_keeps_the_new_one() {
    // The second error arrives 0.2 s after the first one, which has replaced the connection.
    let (url, connections) = fake::start(Some("READONLY"), Duration::from_millis(200)).await;
    let store = RedisStore::connect(&url).await.unwrap();
    let found = join_all((0..2).map(|_| store.get("key"))).await;
    assert!(found.iter().all(Result::is_err), "{found:?}");
    assert_eq!(store.get("key").await.unwrap(), None);
    assert_eq!(connections.load(SeqCst), 2);
}

#[tokio::test]
async fn connecting_to_an_unusable_redis_fails_with_the_reason() {
    let (primary, replica) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    replicate(&replica, &["127.0.0.1", &primary.port.to_string()]).await;
    assert_reason(&replica.url(), "read only replica").await;

    let user = ["SETUSER", "app", "on", ">605b32dd", "~*", "+@all", "-@scripting"];
    redis::cmd("ACL").arg(&user).exec_async(&mut primary.raw().await).await.unwrap();
    let of = |password: &str| format!("redis://app:{password}@127.0.0.1:{}/", primary.port);
    assert_reason(&of("605b32dd"), "evalsha").await;
    assert_reason(&of("605b32de"), "wrongpass").await;
}

async fn assert_reason(url: &str, expected: &str) {
    let error = RedisStore::connect(url).await.unwrap_err();
    let reason = error.source().expect("an error has a source").to_string();
    assert!(reason.to_lowercase().contains(expected) && !reason.contains("605b"), "{reason}");
}

#[test]
fn an_unusable_url_is_refused_with_the_reason() {
    for (url, reason) in [
        ("", "must begin with"),
        ("localhost:6379", "must begin with"),
        ("http://:605b32dd@localhost/", "must begin with"),
        ("redis:605b32dd@localhost", "`//`"),
        ("redis://:605b32dd@localhost/one", "database"),
        ("redis://:605b32dd@localhost:65536/", "port"),
        ("redis://", "host"),
        ("unix:///run/redis.sock?db=one", "path"),
        #[cfg(feature = "redis-tls")]
        ("rediss:605b32dd@localhost", "`//`"),
    ] {
        let error = RedisConfig::new(url).unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains("605b"), "{url}: {error}");
    }
    assert!(RedisConfig::sentinel("redis://primary", []).is_err() && RedisConfig::cluster([]).is_err());
    assert!(RedisConfig::sentinel("unix:/run/redis.sock", ["redis://localhost:26379"]).is_err());
}
