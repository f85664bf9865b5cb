mod config;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, Script, aio::ConnectionManager, cmd};
use tokio::time::timeout;

pub use self::config::RedisConfig;
use super::{Store, StoreError, ttl_millis};
use crate::BoxError;

/// Sets the value and its time to live, if it is the expected one.
const REPLACE: &str = include_str!("replace.lua");

/// A store in Redis, for any number of nodes. It needs Redis 7.0 or later, or a server that does the same.
///
/// All operations share one connection, on which they are pipelined, and each is one round trip and of one key. When the
/// connection is lost it is made again in the background, for as long as it takes, at least twice a second. An operation
/// that comes meanwhile waits for it, but like every operation not longer than the
/// [response timeout](RedisConfig::response_timeout); after that it is [`StoreError::Unavailable`].
///
/// An operation whose answer did not arrive, because of that timeout or because the connection was lost, may have been
/// done. It is an error, and is not repeated.
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
    connection: ConnectionManager,
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    response_timeout: Duration,
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

    fn new(connection: ConnectionManager, prefix: String, response_timeout: Duration) -> Self {
        let replace = Script::new(REPLACE);
        Self { connection, shared: Arc::new(Shared { prefix, response_timeout, replace }) }
    }

    async fn ping(&self, limit: Duration) -> Result<(), StoreError> {
        within(limit, cmd("PING").exec_async(&mut self.connection.clone())).await
    }

    fn key(&self, key: &str) -> String {
        [&self.shared.prefix, key].concat()
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        within(self.shared.response_timeout, command.query_async(&mut self.connection.clone())).await
    }

    /// A script that Redis does not have yet is not run by it, and so can be sent again after it is loaded.
    async fn run_script<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<T, StoreError> {
        let mut invocation = script.key(self.key(key));
        for argument in arguments {
            invocation.arg(argument);
        }
        within(self.shared.response_timeout, invocation.invoke_async(&mut self.connection.clone())).await
    }
}

async fn within<T>(limit: Duration, operation: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
    match timeout(limit, operation).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if is_out_of_memory(&error) => Err(StoreError::Full),
        Ok(Err(error)) => Err(StoreError::unavailable(error)),
        Err(elapsed) => Err(StoreError::unavailable(elapsed)),
    }
}

fn is_out_of_memory(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

impl Store for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.run(cmd("GET").arg(self.key(key))).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.run(cmd("SET").arg(self.key(key)).arg(&*value).arg("PX").arg(ttl_millis(ttl))).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        let mut set = cmd("SET");
        self.run(set.arg(self.key(key)).arg(&*value).arg("NX").arg("GET").arg("PX").arg(ttl_millis(ttl))).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.run(cmd("GETDEL").arg(self.key(key))).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let ttl = ttl_millis(ttl).to_string();
        self.run_script(&self.shared.replace, key, &[&expected, &new, ttl.as_bytes()]).await
    }
}

impl StoreError {
    fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
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
