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

/// Sets the value and its time to live, if the present value is the expected one.
const REPLACE: &str = include_str!("replace.lua");

/// A [`Store`] in Redis, for any number of nodes.
///
/// It needs Redis 7.0 or later, or a compatible server, and a tokio runtime. Clones share one connection, on which all
/// operations are pipelined. Each operation takes one round trip and concerns one key.
///
/// # Reconnecting
///
/// The store reconnects in the background, at least four times a second and until it succeeds:
///
/// * when the connection is lost, even while it is idle;
/// * when an answer shows that this is the wrong server: it has become a replica (`READONLY`, `MASTERDOWN`), is
///   starting (`LOADING`), belongs to a cluster that keeps the key elsewhere (`MOVED`), or requires a login (`NOAUTH`);
/// * when an operation waits for half of the [response timeout](RedisConfig::response_timeout), and no other one is
///   answered meanwhile: a proxy or a firewall may have forgotten the connection.
///
/// Operations wait for the new connection, but never longer than the response timeout: then they are
/// [`StoreError::Unavailable`]. An operation whose answer did not arrive may have been done: it is an error, and is not
/// repeated.
///
/// # Configuration of Redis
///
/// A Redis that is out of memory must refuse writes rather than evict keys, or a used ticket can become usable again.
/// Keep its default, `maxmemory-policy noeviction`. A refused write is [`StoreError::Full`].
///
/// Redis can lose a confirmed write when it crashes or fails over: see its documentation on persistence and
/// replication.
///
/// # Example
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
    /// How many replicas must have a write before it is confirmed.
    replicas: u32,
    replace: Script,
}

impl RedisStore {
    /// Connects to the Redis at `url`, with the defaults of [`RedisConfig`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the URL is not valid, or Redis cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        RedisConfig::new(url).map_err(StoreError::unavailable)?.connect().await
    }

    /// Connects to the Redis at the URL in the environment variable `REDIS_URL`, with the defaults of [`RedisConfig`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the variable is not set or not valid, or Redis cannot be reached.
    pub async fn from_env() -> Result<Self, StoreError> {
        RedisConfig::from_env().map_err(StoreError::unavailable)?.connect().await
    }

    fn new(connections: Arc<Connections>, prefix: String, response_timeout: Duration, replicas: u32) -> Self {
        let replace = Script::new(REPLACE);
        Self { connections, shared: Arc::new(Shared { prefix, response_timeout, replicas, replace }) }
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
