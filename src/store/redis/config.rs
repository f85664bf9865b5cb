use std::{env, fmt, time::Duration};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult, TlsMode,
    cluster::ClusterClient,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use tokio::sync::Mutex;

use super::{
    RedisStore,
    connection::Connections,
    connector::{Connector, check_cluster, tcp_settings},
};
use crate::{
    ConfigError,
    store::{StoreError, probe::probe},
};

/// Configuration of a [`RedisStore`]: a single server, Sentinel or Cluster.
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
///
/// With Sentinel, and with every write confirmed by a replica:
///
/// ```no_run
/// use tower_verify::{BoxError, store::RedisConfig};
///
/// # async fn connect() -> Result<(), BoxError> {
/// let sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"];
/// let store = RedisConfig::sentinel("redis://:password@mymaster/0", sentinels)?
///     .wait_for_replicas(1)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisConfig {
    topology: Topology,
    prefix: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    replicas: u32,
}

#[derive(Clone)]
enum Topology {
    Server(ConnectionInfo),
    Sentinel { primary: ConnectionInfo, sentinels: Vec<ConnectionInfo> },
    Cluster(Vec<ConnectionInfo>),
}

impl RedisConfig {
    /// Configures the single server at `url`.
    ///
    /// The URL is `redis://[user[:password]@]host[:port][/database]`, the same with `rediss:` for TLS (feature
    /// `redis-tls`), or `unix:/path/to/socket`.
    ///
    /// # Errors
    /// If the URL has another form. The error says what is wrong with the URL, and quotes nothing of it.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self::with(Topology::Server(connection_info(url)?)))
    }

    /// Configures the primary server that Sentinel names.
    ///
    /// `primary` is a URL as for [`new`](Self::new) whose host is the name by which the sentinels know the primary.
    /// `sentinels` are the URLs of one or more sentinels. The store asks them again whenever the connection fails.
    ///
    /// ```
    /// use tower_verify::store::RedisConfig;
    ///
    /// let sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"];
    /// let config = RedisConfig::sentinel("redis://:password@mymaster/0", sentinels)?;
    /// # let _ = config;
    /// # Ok::<(), tower_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If a URL is not valid, or `sentinels` is empty.
    pub fn sentinel<'a>(primary: &str, sentinels: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        let primary = connection_info(primary)?;
        if matches!(primary.addr(), ConnectionAddr::Unix(_)) {
            return Err(ConfigError::new(
                "the host in the URL of the primary Redis must be the name by which the sentinels know it",
            ));
        }
        Ok(Self::with(Topology::Sentinel { primary, sentinels: connection_infos(sentinels)? }))
    }

    /// Configures the Redis Cluster with these nodes: the URLs of one or more of them.
    ///
    /// ```
    /// use tower_verify::store::RedisConfig;
    ///
    /// let config = RedisConfig::cluster(["redis://10.0.0.1:6379", "redis://10.0.0.2:6379"])?;
    /// # let _ = config;
    /// # Ok::<(), tower_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If one of these is not a URL as for [`new`](Self::new), or there is none.
    pub fn cluster<'a>(nodes: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        Ok(Self::with(Topology::Cluster(connection_infos(nodes)?)))
    }

    fn with(topology: Topology) -> Self {
        let (connect_timeout, response_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
        Self { topology, prefix: String::new(), connect_timeout, response_timeout, replicas: 0 }
    }

    /// Configures the single server at the URL in the environment variable `REDIS_URL`.
    ///
    /// # Errors
    /// If the variable is not set, or its value is not a URL as for [`new`](Self::new).
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("REDIS_URL").map_err(|_| ConfigError::new("`REDIS_URL` must be set to a URL"))?;
        Self::new(&url)
    }

    /// Sets a prefix for every key, so that several apps can share a database.
    ///
    /// The default is no prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long an attempt to connect may take, at the start and after the connection was lost.
    ///
    /// The default is 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long an operation may take, including the wait for a new connection.
    ///
    /// The default is 1 s: shorter than the layer's deadline, so that the error names the store as the cause.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how many replicas must have a write before it is confirmed.
    ///
    /// The default is 0. The store waits for the replicas with Redis's
    /// [`WAIT`](https://redis.io/docs/latest/commands/wait/). If too few of them have the write within half of the
    /// response timeout, the operation is [`StoreError::Unavailable`]. The write may be kept all the same.
    ///
    /// A failover then rarely loses a write, but it still can: Sentinel may promote a replica that lacks it. Each write
    /// takes one more round trip. Redis Cluster does not support this: there every write is an error.
    pub fn wait_for_replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Connects, and tries the store's operations once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with the reason as its source, if this fails or takes too long. For example, the
    /// server is a replica, the user may not run scripts, or the cluster does not cover all slots.
    pub async fn connect(self) -> Result<RedisStore, StoreError> {
        #[cfg(feature = "redis-tls")]
        choose_crypto_provider();

        if let Topology::Cluster(nodes) = &self.topology {
            check_cluster(nodes, self.connect_timeout).await.map_err(StoreError::unavailable)?;
        }
        let connector = self.connector().map_err(StoreError::unavailable)?;
        let connections = Connections::new(connector, self.connect_timeout).await.map_err(StoreError::unavailable)?;
        let store = RedisStore::new(connections, self.prefix, self.response_timeout, self.replicas);
        probe(&store).await?;
        Ok(store)
    }

    fn connector(&self) -> RedisResult<Connector> {
        let tcp = tcp_settings(self.connect_timeout);
        Ok(match self.topology.clone() {
            Topology::Server(server) => Connector::Server(Client::open(server.set_tcp_settings(tcp))?),
            Topology::Sentinel { primary, sentinels } => {
                let mut node = SentinelNodeConnectionInfo::default()
                    .set_redis_connection_info(primary.redis_settings().clone())
                    .set_tcp_settings(tcp.clone());
                let name = match primary.addr() {
                    ConnectionAddr::TcpTls { host, .. } => {
                        node = node.set_tls_mode(TlsMode::Secure);
                        host.clone()
                    }
                    ConnectionAddr::Tcp(host, _) => host.clone(),
                    addr => addr.to_string(),
                };
                let sentinels = sentinels.into_iter().map(|sentinel| sentinel.set_tcp_settings(tcp.clone())).collect();
                let client = SentinelClient::build(sentinels, name, Some(node), SentinelServerType::Master)?;
                Connector::Sentinel(Mutex::new(client))
            }
            Topology::Cluster(nodes) => {
                let cluster = ClusterClient::builder(nodes)
                    .use_protocol(ProtocolVersion::RESP3)
                    .connection_timeout(self.connect_timeout)
                    .response_timeout(self.response_timeout)
                    .tcp_settings(tcp);
                Connector::Cluster(cluster.build()?)
            }
        })
    }
}

fn connection_infos<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Vec<ConnectionInfo>, ConfigError> {
    let infos: Vec<_> = urls.into_iter().map(connection_info).collect::<Result<_, _>>()?;
    if infos.is_empty() { Err(ConfigError::new("at least one URL of Redis must be given")) } else { Ok(infos) }
}

fn connection_info(url: &str) -> Result<ConnectionInfo, ConfigError> {
    // The parser's own error is dropped, as the URL may hold a password.
    let info = url.into_connection_info().map_err(|_| ConfigError::new(fault(url)))?;
    // With RESP3, a lost connection is noticed and replaced even while it is idle.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(settings);
    Client::open(info.clone()).map_err(|_| ConfigError::new(fault(url)))?;
    Ok(info)
}

/// Says what is wrong with a URL that cannot be used.
fn fault(url: &str) -> &'static str {
    match url.split_once(':') {
        Some(("rediss", _)) if cfg!(not(feature = "redis-tls")) => {
            "a URL of Redis that begins with `rediss:` needs the feature `redis-tls`"
        }
        Some(("redis" | "rediss", rest)) if !rest.starts_with("//") => {
            "the URL of Redis must have `//` after its scheme"
        }
        Some(("redis" | "rediss", _)) => "the URL of Redis must have a valid host, port and database",
        Some(("unix" | "redis+unix", _)) => "the URL of Redis must have a valid path, as in `unix:/path/to/socket`",
        _ => "the URL of Redis must begin with `redis:`, `rediss:` or `unix:`",
    }
}

/// Sets rustls's default provider if there is none: if the app's dependencies enable several, rustls would panic.
#[cfg(feature = "redis-tls")]
fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread has set one meanwhile.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
