use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, RedisResult,
    cluster::ClusterClient,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
    sentinel::SentinelClient,
};
use tokio::sync::Mutex;

use super::connection::Connection;
use crate::BoxError;

/// Idle time before the first TCP keep-alive probe.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Opens connections to Redis.
pub(super) enum Connector {
    Server(Client),
    /// To the primary server that the sentinels name.
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
            // The cluster's client replaces the connections to its servers by itself.
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

/// Checks that the cluster serves every slot: connecting alone does not report missing ones.
pub(super) async fn check_cluster(nodes: &[ConnectionInfo], timeout: Duration) -> Result<(), BoxError> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(Some(timeout));
    let mut unreachable = None;
    for node in nodes {
        let client = Client::open(node.clone())?;
        let mut connection = match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => connection,
            Err(error) => {
                unreachable = Some(error);
                continue;
            }
        };
        let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await?;
        let value = |name| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("unknown").trim();
        let (state, served) = (value("cluster_state:"), value("cluster_slots_ok:"));
        if state == "ok" && served == "16384" {
            return Ok(());
        }
        return Err(format!("the cluster's state is `{state}`: it serves {served} of 16384 slots").into());
    }
    Err(unreachable.map_or("at least one node of the cluster must be given".into(), Into::into))
}

/// TCP settings that close a connection whose host does not acknowledge data or keep-alive probes in time. The host of
/// a server that merely stalls acknowledges both.
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_gone_is_noticed() {
        let settings = tcp_settings(Duration::from_millis(1234));
        assert!(settings.nodelay());
        assert_eq!(settings.user_timeout(), Some(Duration::from_millis(1234)));
        let keepalive = format!("{:?}", settings.keepalive().expect("there are probes"));
        assert!(keepalive.contains("time: Some(10s), interval: Some(5s)"), "{keepalive}");
    }
}
