//! [`RedisStore`] against Redis servers that the tests start, stall, kill and fill: `redis-server` must be in the
//! `PATH`.

mod failing;
mod fake;
#[path = "../support/forwarder.rs"]
mod forwarder;
#[path = "../support/nodes.rs"]
mod nodes;
#[path = "../support/redis_server.rs"]
mod redis_server;
#[path = "../support/sentinel.rs"]
mod sentinel;
mod topologies;

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::{sleep, timeout};
use tower_verify::store::{RedisConfig, RedisStore, SharedStore, Store, StoreError, conformance};

use nodes::Nodes;
use redis_server::RedisServer;

const MINUTE: Duration = Duration::from_secs(60);

fn is_full<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Full))
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_conforms() {
    let server = RedisServer::start(&[]).await;
    conformance::check(SharedStore::new(server.connect().await), tokio::spawn, sleep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_share_a_redis_conform() {
    let server = RedisServer::start(&[]).await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(RedisConfig::new(&server.url()).unwrap().prefix("verify:").connect().await.unwrap());
    }
    conformance::check(Nodes::new(nodes), tokio::spawn, sleep).await;
}

#[tokio::test]
async fn a_killed_redis_fails_quickly_and_a_restarted_one_serves_within_two_seconds() {
    let mut server = RedisServer::start(&[]).await;
    let store = server.connect().await;
    store.put("key", Bytes::from("value"), MINUTE).await.unwrap();

    server.kill();
    let mut reason = String::new();
    for _ in 0..3 {
        let start = Instant::now();
        let StoreError::Unavailable(error) = store.get("key").await.unwrap_err() else { panic!("it is not full") };
        assert!(start.elapsed() < Duration::from_secs(2), "a command on a dead connection took {:?}", start.elapsed());
        reason = error.to_string();
    }
    assert!(reason.contains("refused"), "why it does not reconnect: {reason}");

    server.restart().await;
    let back = Instant::now();
    while let Err(error) = store.put("key", Bytes::from("value"), MINUTE).await {
        assert!(back.elapsed() < Duration::from_secs(2), "{error}");
    }
    assert_eq!(store.get("key").await.unwrap().unwrap(), "value");
}

#[tokio::test]
async fn a_restart_between_two_calls_fails_neither() {
    let mut server = RedisServer::start(&[]).await;
    let store = server.connect().await;
    server.kill();
    server.restart().await;
    store.put("key", Bytes::from("value"), MINUTE).await.unwrap();
}

#[tokio::test]
async fn calls_to_a_stalled_redis_fail_in_time() {
    let server = RedisServer::start(&[]).await;
    let store = server.connect().await;
    store.put("key", Bytes::from("value"), MINUTE).await.unwrap();
    server.signal("STOP");
    let start = Instant::now();
    assert!(is_unavailable(&store.take("key").await));
    assert!(is_unavailable(&store.get("key").await));
    assert!(is_unavailable(&RedisStore::connect(&server.url()).await));
    assert!(start.elapsed() < Duration::from_secs(5), "three commands took {:?}", start.elapsed());

    server.signal("CONT");
    assert_eq!(store.get("key").await.unwrap(), None, "Redis still runs the command that was sent");
}

#[tokio::test]
async fn a_command_that_was_sent_is_not_sent_again() {
    let mut server = RedisServer::start(&[]).await;
    let store = RedisConfig::new(&server.url()).unwrap().response_timeout(Duration::from_secs(30));
    let store = store.connect().await.unwrap();
    store.get("key").await.unwrap();

    server.signal("STOP");
    let claiming = tokio::spawn({
        let store = store.clone();
        async move { store.claim("key", Bytes::from("value"), MINUTE).await }
    });
    sleep(Duration::from_millis(200)).await;
    server.kill();
    let claimed = timeout(Duration::from_secs(5), claiming).await.expect("a lost connection is an error at once");
    assert!(is_unavailable(&claimed.unwrap()));

    server.restart().await;
    assert_eq!(store.get("key").await.unwrap(), None);
}

#[tokio::test]
async fn a_script_that_redis_has_forgotten_is_loaded_again() {
    let server = RedisServer::start(&[]).await;
    let store = server.connect().await;
    let replace = async |old, new| store.replace("key", Bytes::from(old), Bytes::from(new), MINUTE).await.unwrap();
    store.put("key", Bytes::from("1"), MINUTE).await.unwrap();
    assert!(replace("1", "2").await);
    redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut server.raw().await).await.unwrap();
    assert!(replace("2", "3").await);
}

#[tokio::test]
async fn a_full_redis_refuses_new_values_and_keeps_the_old_ones() {
    let server = RedisServer::start(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]).await;
    let store = server.connect().await;
    let value = Bytes::from(vec![b'x'; 10_000]);
    let mut put = 0;
    assert!(!store.replace("unknown", value.clone(), value.clone(), MINUTE).await.unwrap());
    store.put("small", Bytes::from("5"), MINUTE).await.unwrap();
    let replace_small = async || store.replace("small", Bytes::from("5"), Bytes::from("6"), MINUTE).await;
    let refusal = loop {
        match store.put(&format!("key:{put}"), value.clone(), MINUTE).await {
            Ok(()) => put += 1,
            refusal => break refusal,
        }
    };
    assert!(is_full(&refusal), "{refusal:?}");
    assert!(put > 10);
    // At the limit itself, a small write may have room, as connections take and free buffers. So the limit is lowered.
    let limit = |bytes: u64| {
        let mut command = redis::cmd("CONFIG");
        command.arg(&["SET", "maxmemory", &bytes.to_string()]);
        command
    };
    limit(1 << 20).exec_async(&mut server.raw().await).await.unwrap();
    assert!(is_full(&store.claim("key", value.clone(), MINUTE).await));
    assert!(is_full(&store.replace("key:0", value.clone(), value.clone(), MINUTE).await));
    assert!(is_full(&replace_small().await));
    for number in 0..put {
        assert_eq!(store.take(&format!("key:{number}")).await.unwrap().as_ref(), Some(&value));
    }
    limit(4 << 20).exec_async(&mut server.raw().await).await.unwrap();
    assert!(replace_small().await.unwrap());
}

#[tokio::test]
async fn keys_begin_with_the_prefix() {
    let server = RedisServer::start(&[]).await;
    let store = RedisConfig::new(&server.url()).unwrap().prefix("verify:").connect().await.unwrap();
    store.put("put", Bytes::new(), MINUTE).await.unwrap();
    store.claim("claim", Bytes::new(), MINUTE).await.unwrap();
    assert!(store.replace("claim", Bytes::new(), Bytes::from("value"), MINUTE).await.unwrap());
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut server.raw().await).await.unwrap();
    keys.sort_unstable();
    assert_eq!(keys, ["verify:claim", "verify:put"]);
}

#[tokio::test]
async fn connecting_fails_at_once_if_nobody_listens_and_within_three_seconds_if_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let start = Instant::now();
    assert!(is_unavailable(&RedisStore::connect(&format!("redis://127.0.0.1:{port}/")).await));
    assert!(start.elapsed() < Duration::from_secs(3), "silence took {:?}", start.elapsed());

    drop(listener);
    let StoreError::Unavailable(reason) = RedisStore::connect(&format!("redis://127.0.0.1:{port}/")).await.unwrap_err()
    else {
        panic!("nobody listens there");
    };
    assert!(reason.to_string().contains("refused"), "{reason}");
}

#[tokio::test]
async fn a_password_is_in_no_debug_text_and_no_error() {
    let server = RedisServer::start(&[]).await;
    redis::cmd("CONFIG").arg(&["SET", "requirepass", "605b32dd"]).exec_async(&mut server.raw().await).await.unwrap();
    let right = format!("redis://:605b32dd@127.0.0.1:{}/", server.port);
    let wrong = format!("redis://:605b32de@127.0.0.1:{}/", server.port);
    let config = RedisConfig::new(&right).unwrap();
    let shown = format!("{config:?} {:?}", config.clone().connect().await.unwrap());
    assert!(!shown.contains("605b"), "{shown}");
    let refused = format!("{:?}", RedisStore::connect(&wrong).await.unwrap_err());
    assert!(!refused.contains("605b"), "{refused}");
    let malformed = format!("{:?}", RedisConfig::new("http://:605b32dd@localhost/").unwrap_err());
    assert!(!malformed.contains("605b"), "{malformed}");
}

#[cfg(feature = "redis-tls")]
#[tokio::test]
async fn a_tls_url_does_not_connect_without_tls() {
    let server = RedisServer::start(&[]).await;
    assert!(is_unavailable(&RedisStore::connect(&server.url().replace("redis:", "rediss:")).await));
}

#[cfg(not(feature = "redis-tls"))]
#[tokio::test]
async fn a_tls_url_without_the_feature_is_a_configuration_error() {
    assert!(RedisConfig::new("rediss://127.0.0.1/").unwrap_err().to_string().contains("redis-tls"));
}
