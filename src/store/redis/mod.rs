mod config;
mod connection;
mod connector;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{FromRedisValue, RedisError, Script, cmd};
use tokio::time::timeout;

pub use self::config::RedisConfig;
use self::connection::{Connections, Operation, Sent};
use super::{Store, StoreError, ttl_millis};

/// Sets the value and its time to live, if it is the expected one.
const REPLACE: &str = include_str!("replace.lua");

/// A store in Redis, for any number of nodes. It needs Redis 7.0 or later, or a server that does the same.
///
/// All operations share one connection, on which they are pipelined, and each is one round trip and of one key.
///
/// The connection is made again in the background, for as long as it takes and at least four times a second:
///
/// * when it is lost, be anything asked or not;
/// * when the server's answer says that it is the wrong one: it has become a replica (`READONLY`, `MASTERDOWN`), is
///   starting (`LOADING`), is of a cluster that keeps the key elsewhere (`MOVED`), or does not know us (`NOAUTH`);
/// * when an operation was not answered for half of the [response timeout](RedisConfig::response_timeout), and nothing
///   else was either: whatever is between may have forgotten the connection.
///
/// An operation that comes meanwhile waits for it, but like every operation not longer than the response timeout; after
/// that it is [`StoreError::Unavailable`]. An operation whose answer did not arrive may have been done. It is an error, and
/// is not repeated.
///
/// A Redis that is out of memory must refuse to write and not evict: set `maxmemory-policy noeviction`, which is its
/// default, or a ticket that was used can become usable again. What it refuses is [`StoreError::Full`]. What Redis
/// confirmed and loses when it crashes or fails over is lost: see its documentation on persistence and replication.
///
/// It is used within a tokio runtime. Clones share the connection.
///
/// ```no_run
/// use std::time::Duration;
/// use bytes::Bytes;
/// use tower_verify::store::{RedisStore, Store, StoreError};
///
/// # async fn example() -> Result<(), StoreError> {
/// let store = RedisStore::connect("redis://redis.internal:6379/0").await?;
/// store.put("ticket:7", Bytes::from("ann"), Duration::from_secs(60)).await?;
/// assert_eq!(store.take("ticket:7").await?, Some(Bytes::from("ann")));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connections: Arc<Connections>,
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    response_timeout: Duration,
    /// How many replicas must have a write.
    replicas: u32,
    replace: Script,
}

impl RedisStore {
    /// Connects to the Redis at `url`, with the defaults of [`RedisConfig`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the URL cannot be used, or Redis cannot be reached by it.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        RedisConfig::new(url).map_err(StoreError::unavailable)?.connect().await
    }

    /// Connects to the Redis at the URL in the environment variable `REDIS_URL`, with the defaults of [`RedisConfig`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the variable is not set or cannot be used, or Redis cannot be reached by it.
    pub async fn from_env() -> Result<Self, StoreError> {
        RedisConfig::from_env().map_err(StoreError::unavailable)?.connect().await
    }

    fn new(connections: Arc<Connections>, prefix: String, response_timeout: Duration, replicas: u32) -> Self {
        let replace = Script::new(REPLACE);
        Self { connections, shared: Arc::new(Shared { prefix, response_timeout, replicas, replace }) }
    }

    /// Does once what a store has to do, so that a server that cannot is known at once.
    async fn probe(&self) -> Result<(), StoreError> {
        let id = getrandom::u64().map_err(StoreError::unavailable)?;
        let (key, ttl) = (format!("probe:{id:x}"), Duration::from_secs(1));
        self.claim(&key, Bytes::from_static(b"1"), ttl).await?;
        self.replace(&key, Bytes::from_static(b"1"), Bytes::from_static(b"2"), ttl).await?;
        match self.take(&key).await? {
            Some(value) if value == "2" => Ok(()),
            _ => Err(StoreError::unavailable("the server did not keep a value for a moment")),
        }
    }

    fn key(&self, key: &str) -> String {
        [&self.shared.prefix, key].concat()
    }

    async fn write<T: FromRedisValue>(&self, sent: Sent<'_>) -> Result<T, StoreError> {
        self.run(Operation { sent, replicas: self.shared.replicas }).await
    }

    async fn run<T: FromRedisValue>(&self, operation: Operation<'_>) -> Result<T, StoreError> {
        let limit = self.shared.response_timeout;
        match timeout(limit, self.connections.run(&operation, limit / 2)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if is_out_of_memory(&error) => Err(StoreError::Full),
            Ok(Err(error)) => Err(StoreError::unavailable(error)),
            Err(elapsed) => Err(match self.connections.error() {
                Some(error) => StoreError::unavailable(error),
                None => StoreError::unavailable(elapsed),
            }),
        }
    }
}

fn is_out_of_memory(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

impl Store for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.run(Operation { sent: Sent::Command(cmd("GET").arg(self.key(key))), replicas: 0 }).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        let mut set = cmd("SET");
        set.arg(self.key(key)).arg(&*value).arg("PX").arg(ttl_millis(ttl));
        self.write(Sent::Command(&set)).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        let mut set = cmd("SET");
        set.arg(self.key(key)).arg(&*value).arg("NX").arg("GET").arg("PX").arg(ttl_millis(ttl));
        self.write(Sent::Command(&set)).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.write(Sent::Command(cmd("GETDEL").arg(self.key(key)))).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let mut replace = self.shared.replace.key(self.key(key));
        replace.arg(&*expected).arg(&*new).arg(ttl_millis(ttl));
        self.write(Sent::Script(&replace)).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.shared.prefix)
            .field("response_timeout", &self.shared.response_timeout)
            .finish_non_exhaustive()
    }
}
