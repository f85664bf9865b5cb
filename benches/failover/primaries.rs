//! The servers that are killed, and their replacement.

use std::{fs, path::PathBuf, time::Duration};

use tokio::time::sleep;
use tower_verify::store::{PostgresConfig, RedisConfig, SharedStore};

use crate::{postgres_server, redis_server::RedisServer, sentinel::Sentinel};

pub(crate) trait Primary {
    fn store(&self) -> SharedStore;

    /// Kills the primary, and waits until there is one again: another server, or the same one restarted.
    async fn kill_and_replace(&mut self);
}

/// One Redis server, which is restarted after a kill.
pub(crate) struct Redis {
    server: RedisServer,
    store: SharedStore,
    directory: PathBuf,
}

impl Redis {
    pub(crate) async fn start(options: &[&str]) -> Self {
        let directory = std::env::temp_dir().join(format!("tower-verify-redis-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut all = vec!["--dir", directory.to_str().expect("the path is not UTF-8").to_owned().leak()];
        all.extend(options.iter().map(|option| &*option.to_string().leak()));
        let server = RedisServer::start(all.leak()).await;
        let store = SharedStore::new(server.connect().await);
        Self { server, store, directory }
    }
}

impl Primary for Redis {
    fn store(&self) -> SharedStore {
        self.store.clone()
    }

    async fn kill_and_replace(&mut self) {
        self.server.kill();
        self.server.restart().await;
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.server.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A primary, its replica, and a sentinel that promotes the replica.
pub(crate) struct Sentinels {
    primary: RedisServer,
    replica: RedisServer,
    sentinel: Sentinel,
    store: SharedStore,
}

impl Sentinels {
    pub(crate) async fn start(wait_for_replicas: u32) -> Self {
        let (primary, replica) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
        replicate(&replica, &primary).await;
        let sentinel = Sentinel::start(primary.port);
        until_replicated(&primary, &replica, &sentinel).await;
        let url = sentinel.url();
        let config = RedisConfig::sentinel("redis://primary/", [&*url]).unwrap().wait_for_replicas(wait_for_replicas);
        let store = SharedStore::new(config.connect().await.unwrap());
        Self { primary, replica, sentinel, store }
    }
}

impl Primary for Sentinels {
    fn store(&self) -> SharedStore {
        self.store.clone()
    }

    async fn kill_and_replace(&mut self) {
        // On a busy machine, the sentinel may have promoted the replica without a kill.
        if ask(&self.replica.url(), &["ROLE"]).await.contains("master") {
            std::mem::swap(&mut self.primary, &mut self.replica);
        }
        self.primary.kill();
        while !ask(&self.replica.url(), &["ROLE"]).await.contains("master") {
            sleep(Duration::from_millis(20)).await;
        }
        std::mem::swap(&mut self.primary, &mut self.replica);
        self.replica.restart().await;
        replicate(&self.replica, &self.primary).await;
        until_replicated(&self.primary, &self.replica, &self.sentinel).await;
    }
}

async fn replicate(replica: &RedisServer, primary: &RedisServer) {
    ask(&replica.url(), &["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await;
}

/// Waits until the replica has all data and the sentinel would promote it. A kill before that would measure a server
/// without a replica.
async fn until_replicated(primary: &RedisServer, replica: &RedisServer, sentinel: &Sentinel) {
    for _ in 0..2400 {
        let replication = ask(&primary.url(), &["INFO", "replication"]).await;
        let replicas = ask(&sentinel.url(), &["SENTINEL", "REPLICAS", "primary"]).await;
        let known = replicas.contains(&format!("127.0.0.1:{}", replica.port))
            && !replicas.contains("s_down")
            && !replicas.contains("disconnected");
        let of_primary = ask(&sentinel.url(), &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"]).await;
        if replication.contains("state=online") && known && of_primary.contains(&primary.port.to_string()) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let (of_primary, of_replica) = (ask(&primary.url(), &["ROLE"]).await, ask(&replica.url(), &["ROLE"]).await);
    panic!("no replica after two minutes. ROLE of the primary: {of_primary}, of the replica: {of_replica}");
}

/// Returns the answer to a command, or an empty text if there is none.
async fn ask(url: &str, command: &[&str]) -> String {
    let Ok(mut connection) = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await else {
        return String::new();
    };
    let answer: redis::RedisResult<redis::Value> =
        redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await;
    answer.map(|answer| format!("{answer:?}")).unwrap_or_default()
}

/// One PostgreSQL server, which is restarted after a kill.
pub(crate) struct Postgres {
    server: postgres_server::Server,
    store: SharedStore,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let server = postgres_server::Server::start().await;
        let store = PostgresConfig::new(&server.url()).unwrap().migrate(true).connect().await.unwrap();
        Self { server, store: SharedStore::new(store) }
    }
}

impl Primary for Postgres {
    fn store(&self) -> SharedStore {
        self.store.clone()
    }

    async fn kill_and_replace(&mut self) {
        self.server.kill();
        self.server.restart().await;
    }
}
