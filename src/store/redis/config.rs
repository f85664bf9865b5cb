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
use crate::{ConfigError, store::StoreError};

/// How to reach Redis, for a [`RedisStore`]: a single server, the primary one that Sentinel names, or a cluster.
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
/// With Sentinel, where a write that a failover could lose is an error:
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
    /// The Redis at `url`: `redis://[user[:password]@]host[:port][/database]`, the same with `rediss:` for TLS (with
    /// feature `redis-tls`), or `unix:/path/of/its/socket`.
    ///
    /// # Errors
    /// If this is no such URL. The error says what is wrong with it, and nothing that is in it.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self::with(Topology::Server(connection_info(url)?)))
    }

    /// The primary server that Sentinel names.
    ///
    /// `primary` is a URL as for [`new`](Self::new), with the name that the sentinels know it by for its host;
    /// `sentinels` are the URLs of some of them, at least one. The sentinels are asked again whenever the connection fails.
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
    /// If one of these is no such URL, or there is no sentinel.
    pub fn sentinel<'a>(primary: &str, sentinels: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        let primary = connection_info(primary)?;
        if matches!(primary.addr(), ConnectionAddr::Unix(_)) {
            return Err(ConfigError::new(
                "the URL of the primary Redis must have the sentinels' name of it as its host",
            ));
        }
        Ok(Self::with(Topology::Sentinel { primary, sentinels: connection_infos(sentinels)? }))
    }

    /// The Redis Cluster that these nodes are of: URLs of some of them, at least one.
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
    /// If one of these is no URL as for [`new`](Self::new), or there is none.
    pub fn cluster<'a>(nodes: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        Ok(Self::with(Topology::Cluster(connection_infos(nodes)?)))
    }

    fn with(topology: Topology) -> Self {
        let (connect_timeout, response_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
        Self { topology, prefix: String::new(), connect_timeout, response_timeout, replicas: 0 }
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

    /// How many replicas must have a write before it is confirmed, by Redis's
    /// [`WAIT`](https://redis.io/docs/latest/commands/wait/). The default is 0. A write that not enough of them have within
    /// half of the response timeout is [`StoreError::Unavailable`], and may be kept all the same.
    ///
    /// It makes it rare that a write is lost in a failover, and not impossible: Sentinel may promote a replica that has
    /// less. Each write takes one round trip more. Redis Cluster does not have it: there a write is an error.
    pub fn wait_for_replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Connects, and does once what a store has to do.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with the reason as its source, if that is not done in time, or cannot be done there: the
    /// server is a replica, the user may not run scripts, or a cluster does not cover all slots.
    pub async fn connect(self) -> Result<RedisStore, StoreError> {
        #[cfg(feature = "redis-tls")]
        choose_crypto_provider();

        if let Topology::Cluster(nodes) = &self.topology {
            check_cluster(nodes, self.connect_timeout).await.map_err(StoreError::unavailable)?;
        }
        let connector = self.connector().map_err(StoreError::unavailable)?;
        let connections = Connections::new(connector, self.connect_timeout).await.map_err(StoreError::unavailable)?;
        let store = RedisStore::new(connections, self.prefix, self.response_timeout, self.replicas);
        store.probe().await?;
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
    if infos.is_empty() { Err(ConfigError::new("no URL of a Redis was given")) } else { Ok(infos) }
}

fn connection_info(url: &str) -> Result<ConnectionInfo, ConfigError> {
    // The parser's own error is left out, as a URL may hold a password.
    let info = url.into_connection_info().map_err(|_| ConfigError::new(fault(url)))?;
    // Under this protocol a connection that is lost is noticed while nothing is asked, and made again.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(settings);
    Client::open(info.clone()).map_err(|_| ConfigError::new(fault(url)))?;
    Ok(info)
}

/// Names the fault of a URL that cannot be used.
fn fault(url: &str) -> &'static str {
    match url.split_once(':') {
        Some(("rediss", _)) if cfg!(not(feature = "redis-tls")) => {
            "the URL of Redis begins with `rediss:`, which needs the feature `redis-tls`"
        }
        Some(("redis" | "rediss", rest)) if !rest.starts_with("//") => {
            "the URL of Redis must have `//` after its scheme"
        }
        Some(("redis" | "rediss", _)) => "the host, the port or the database of the URL of Redis cannot be read",
        Some(("unix" | "redis+unix", _)) => "the path of the URL of Redis cannot be used",
        _ => "the URL of Redis must begin with `redis:`, `rediss:` or `unix:`",
    }
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
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
