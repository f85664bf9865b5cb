use std::{env, fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};

use super::RedisStore;
use crate::{ConfigError, store::StoreError};

/// How long to wait before another attempt to reconnect: at first, and at most. What is waited is up to twice that, by
/// chance, so that many nodes do not come at once.
const RECONNECT_DELAY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// How to reach Redis, for a [`RedisStore`].
///
/// ```no_run
/// use std::time::Duration;
/// use tower_verify::{BoxError, store::RedisConfig};
///
/// # async fn connect() -> Result<(), BoxError> {
/// let store = RedisConfig::new("redis://redis.internal:6379/0")?
///     .prefix("verify:")
///     .response_timeout(Duration::from_millis(500))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisConfig {
    info: ConnectionInfo,
    prefix: String,
    connect_timeout: Duration,
    response_timeout: Duration,
}

impl RedisConfig {
    /// The Redis at `url`: `redis://[user[:password]@]host[:port][/database]`, the same with `rediss:` for TLS (with
    /// feature `redis-tls`), or `unix:/path/of/its/socket`.
    ///
    /// # Errors
    /// If this is no such URL.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        // The parser's own error is left out, as a URL may hold a password.
        let refused = |_| ConfigError::new("the URL of Redis cannot be used; `rediss:` needs the feature `redis-tls`");
        let info = url.into_connection_info().map_err(refused)?;
        // Under this protocol a connection that is lost is noticed while nothing is asked, and made again.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings);
        Client::open(info.clone()).map_err(refused)?;
        Ok(Self {
            info,
            prefix: String::new(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
        })
    }

    /// The Redis at the URL in the environment variable `REDIS_URL`.
    ///
    /// # Errors
    /// If the variable is not set, or its value is not a URL as for [`new`](Self::new).
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("REDIS_URL").map_err(|_| ConfigError::new("`REDIS_URL` is not set, or not text"))?;
        Self::new(&url)
    }

    /// The prefix of every key, so that apps can share a database. The default is nothing.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long connecting may take, the first time and each time after the connection was lost. The default is 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an operation may take, waiting for the connection to be made again included. The default is 1 s: less
    /// than the layer's deadline, so that the store is known to be the reason.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Connects, and asks Redis for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if that is not done within the connect timeout.
    pub async fn connect(self) -> Result<RedisStore, StoreError> {
        #[cfg(feature = "redis-tls")]
        choose_crypto_provider();

        let client = Client::open(self.info.set_tcp_settings(tcp_settings(self.connect_timeout)))
            .map_err(StoreError::unavailable)?;
        // The connection manager does not say why there is no connection, so one is made here first.
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(self.connect_timeout));
        client.get_multiplexed_async_connection_with_config(&config).await.map_err(StoreError::unavailable)?;

        let (min_delay, max_delay) = RECONNECT_DELAY;
        let config = ConnectionManagerConfig::new()
            .set_min_delay(min_delay)
            .set_max_delay(max_delay)
            .set_number_of_retries(usize::MAX)
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(None);
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(StoreError::unavailable)?;
        let store = RedisStore::new(connection, self.prefix, self.response_timeout);
        store.ping(self.connect_timeout).await?;
        Ok(store)
    }
}

/// A connection is dropped if Redis's host does not acknowledge in time. The host of a Redis that merely stalls does.
fn tcp_settings(user_timeout: Duration) -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(user_timeout);
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let _ = user_timeout;
    settings
}

/// The default of rustls is ambiguous when the app's dependencies ask for several providers, and using it a panic.
#[cfg(feature = "redis-tls")]
fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster: there is one then.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}
