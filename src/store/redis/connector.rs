use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, RedisResult,
    cluster::ClusterClient,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
    sentinel::SentinelClient,
};
use tokio::sync::Mutex;

use super::connection::Connection;

/// How long a connection is silent before its other end is asked for a sign of life by TCP.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Where connections lead.
pub(super) enum Connector {
    Server(Client),
    /// To the server that the sentinels say is the primary one.
    Sentinel(Mutex<SentinelClient>),
    Cluster(ClusterClient),
}

impl Connector {
    pub(super) async fn connect(&self, config: &AsyncConnectionConfig) -> RedisResult<Connection> {
        Ok(match self {
            Self::Server(client) => {
                Connection::Server(client.get_multiplexed_async_connection_with_config(config).await?)
            }
            Self::Sentinel(client) => {
                Connection::Server(client.lock().await.get_async_connection_with_config(config).await?)
            }
            // It watches over the connections to its servers itself.
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

/// A connection is dropped if the server's host does not acknowledge in time, or gives no sign of life while nothing is
/// asked. The host of a server that merely stalls does.
pub(super) fn tcp_settings(user_timeout: Duration) -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", target_os = "windows"))]
    let keepalive = keepalive.with_interval(KEEPALIVE / 2);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(user_timeout);
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let _ = user_timeout;
    settings
}
