//! [`PostgresStore`] against PostgreSQL servers that the tests start and kill. They need Debian's package `postgresql`.

#[path = "../support/forwarder.rs"]
mod forwarder;
#[path = "../support/nodes.rs"]
mod nodes;
#[path = "../support/postgres_server.rs"]
mod server;

use std::{
    error::Error,
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::{Either, join_all, select};
use tokio::{
    net::TcpListener,
    time::{self, sleep, timeout},
};
use tower_verify::store::{PostgresConfig, PostgresStore, SharedStore, Store, StoreError, conformance};

use forwarder::Forwarder;
use nodes::Nodes;
use server::Server;

const MINUTE: Duration = Duration::from_secs(60);

async fn connect(server: &Server) -> PostgresStore {
    PostgresConfig::new(&server.url()).unwrap().migrate(true).connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_conforms_with_one_node_and_with_three() {
    let server = Server::start().await;
    let stores = join_all((0..3).map(|_| connect(&server))).await;
    conformance::check(SharedStore::new(stores[0].clone()), tokio::spawn, sleep).await;
    conformance::check(Nodes::new(stores), tokio::spawn, sleep).await;
}

#[tokio::test]
async fn writes_delete_expired_entries() {
    let server = Server::start().await;
    let store = connect(&server).await;
    for number in 0..300 {
        store.put(&format!("brief:{number}"), Bytes::from("value"), Duration::from_millis(1)).await.unwrap();
    }
    store.put("live", Bytes::from("value"), MINUTE).await.unwrap();
    for number in 0..400 {
        store.put(&format!("key:{}", number % 10), Bytes::from("value"), MINUTE).await.unwrap();
    }
    let start = Instant::now();
    while server.ask("SELECT count(*) FROM tower_verify").await != "11" {
        assert!(start.elapsed() < MINUTE, "{}", server.ask("SELECT count(*) FROM tower_verify").await);
        store.put("live", Bytes::from("value"), MINUTE).await.unwrap();
    }
    assert!(store.get("live").await.unwrap().is_some());
}

#[tokio::test]
async fn calls_to_a_killed_server_fail_within_two_seconds_and_succeed_after_its_restart() {
    let mut server = Server::start().await;
    let store = connect(&server).await;
    store.put("key", Bytes::from("value"), MINUTE).await.unwrap();
    server.kill();
    for _ in 0..3 {
        let start = Instant::now();
        assert!(matches!(store.get("key").await, Err(StoreError::Unavailable(_))));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    server.restart().await;
    let back = Instant::now();
    while store.get("key").await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(store.take("key").await.unwrap().unwrap(), "value", "a confirmed write was lost");
}

#[tokio::test]
async fn a_silent_connection_is_replaced_after_one_lost_call() {
    let server = Server::start().await;
    let forwarder = Forwarder::to(server.port).await;
    let config = PostgresConfig::new(&server.url_at(forwarder.port)).unwrap().migrate(true);
    let store = config.max_connections(1).response_timeout(Duration::from_millis(500)).connect().await.unwrap();
    store.put("key", Bytes::from("value"), MINUTE).await.unwrap();
    forwarder.fall_silent();
    let (start, mut lost) = (Instant::now(), 0);
    while store.put("key", Bytes::from("value"), MINUTE).await.is_err() {
        lost += 1;
        assert!(lost <= 3 && start.elapsed() < Duration::from_secs(2), "{lost} calls were lost");
    }
    assert_eq!(lost, 1);
}

#[tokio::test]
async fn connecting_to_an_unusable_database_fails_with_the_reason() {
    let server = Server::start().await;
    let reason = async |config: PostgresConfig| {
        let error = config.connect().await.unwrap_err();
        error.source().expect("an error has a source").to_string()
    };
    let config = || PostgresConfig::new(&server.url()).unwrap();
    assert!(reason(config()).await.contains("relation \"tower_verify\" does not exist"));

    connect(&server).await;
    server.ask("CREATE ROLE reader LOGIN").await;
    server.ask("GRANT SELECT ON tower_verify TO reader").await;
    let reader = PostgresConfig::new(&server.url().replace("postgres@", "reader@")).unwrap();
    assert!(reason(reader).await.contains("permission denied"));

    let password = PostgresConfig::new("postgres://app:605b32dd@127.0.0.1:1/app").unwrap();
    let reason = reason(password.clone()).await;
    assert!(reason.contains("refused") && !reason.contains("605b"), "{reason}");
    assert!(!format!("{password:?}").contains("605b"));
    for url in ["", "mysql://localhost", "postgres://:605b32dd@[", "user=app"] {
        let error = PostgresConfig::new(url).unwrap_err().to_string();
        assert!(!error.contains("605b"), "{error}");
    }
}

#[tokio::test]
async fn a_read_only_server_is_unavailable() {
    let server = Server::start().await;
    let store = connect(&server).await;
    server.ask("ALTER SYSTEM SET default_transaction_read_only = on").await;
    server.ask("SELECT pg_reload_conf()").await;
    // The server takes a moment to load the setting.
    let start = Instant::now();
    let error = loop {
        if let Err(StoreError::Unavailable(error)) = store.put("key", Bytes::from("value"), MINUTE).await {
            break error;
        }
        assert!(start.elapsed() < MINUTE);
    };
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[tokio::test]
async fn a_server_without_room_is_full() {
    let server = Server::start().await;
    let store = connect(&server).await;
    for code in ["53100", "53200"] {
        let raise = format!("BEGIN RAISE 'no room' USING ERRCODE = '{code}'; END");
        server
            .ask(&format!("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${raise}$$"))
            .await;
        server.ask("CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON tower_verify EXECUTE FUNCTION refuse()").await;
        let refused = store.put("key", Bytes::from("value"), MINUTE).await;
        assert!(matches!(refused, Err(StoreError::Full)), "{code}: {refused:?}");
    }
}

#[tokio::test]
async fn connecting_ends_in_time_if_the_server_is_silent() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://postgres@{}/postgres", silent.local_addr().unwrap());
    let config = PostgresConfig::new(&url).unwrap().connect_timeout(Duration::from_millis(100));
    // The limit of an operation does not hold for the migration.
    let config = config.response_timeout(MINUTE).migrate(true);
    let connecting = timeout(MINUTE / 2, config.connect()).await.expect("it ends in time");
    assert!(matches!(connecting, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn connecting_ends_in_time_if_the_migration_waits_for_a_lock() {
    let server = Server::start().await;
    // The lock of `migrate`.
    let hold = server.ask("SELECT pg_sleep(600) FROM (SELECT pg_advisory_lock(7461776572)) AS lock");
    let locks = async |which: &str| {
        let count = format!("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {which}");
        let one = async { while server.ask(&count).await != "1" {} };
        timeout(MINUTE, one).await.expect(which);
    };
    let connects = async {
        locks("granted").await;
        let connecting = tokio::spawn(PostgresConfig::new(&server.url()).unwrap().migrate(true).connect());
        locks("NOT granted").await;
        time::pause();
        time::advance(Duration::from_secs(30)).await;
        time::resume();
        timeout(Duration::from_secs(10), connecting).await.expect("it ends in time").unwrap()
    };
    let Either::Right((connected, _)) = select(pin!(hold), pin!(connects)).await else { panic!("the lock is held") };
    assert!(matches!(connected, Err(StoreError::Unavailable(_))));
}
