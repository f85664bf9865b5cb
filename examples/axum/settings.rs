//! The settings: environment variables, each with a default.

use std::{env, error::Error, fmt::Display, net::SocketAddr, str::FromStr, time::Duration};

/// The settings of one process.
pub(crate) struct Settings {
    /// `LISTEN`: where to listen. Port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// `METRICS_LISTEN`: where to serve metrics, health and readiness, for operators only. By default they are not served.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// `TOKEN_KEYS`: `id:base64,id:base64,…`. The first key signs. The default is a new random key.
    pub(crate) token_keys: Option<String>,
    /// `TOKEN_TTL_SECONDS`: lifetime of a Diyalog token.
    pub(crate) token_ttl: Duration,
    /// `TICKET_TTL_SECONDS`: lifetime of a TapTalk ticket.
    pub(crate) ticket_ttl: Duration,
    /// `ACCESS_TTL_SECONDS`: lifetime of a TapTalk access token.
    pub(crate) access_ttl: Duration,
    /// `REFRESH_TTL_SECONDS`: lifetime of a TapTalk refresh token.
    pub(crate) refresh_ttl: Duration,
    /// `REFRESH_GRACE_SECONDS`: how long a client may repeat the refresh of a TapTalk token. 0 allows no repeat.
    pub(crate) refresh_grace: Duration,
    /// `THROTTLE_FAILURES`: failed attempts at one principal until it is throttled. 0 turns the throttle off.
    pub(crate) throttle_failures: u32,
    /// `THROTTLE_KEY`: 32 bytes in base64, the key of the digests that stand for principals in the store. The default is
    /// a random key, which is kept in the store.
    pub(crate) throttle_key: Option<String>,
    /// `DIYALOG_AUTH_TOKEN`: the `Auth-Token` that Diyalog must send. By default it need not send one.
    pub(crate) diyalog_auth_token: Option<String>,
    /// `TAPTALK_BASE`: the ticket server that the app asks for its users' tickets. The default is the app itself.
    pub(crate) taptalk_base: Option<String>,
    /// `REDIS_URL`: the Redis that keeps the state, with the feature `redis`. The default is the process's memory.
    pub(crate) redis_url: Option<String>,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let seconds = |name, default| variable(name, default).map(Duration::from_secs);
        Ok(Self {
            listen: variable("LISTEN", SocketAddr::from(([127, 0, 0, 1], 3000)))?,
            metrics_listen: optional("METRICS_LISTEN")?,
            token_keys: text("TOKEN_KEYS"),
            token_ttl: seconds("TOKEN_TTL_SECONDS", 300)?,
            ticket_ttl: seconds("TICKET_TTL_SECONDS", 60 * 60)?,
            access_ttl: seconds("ACCESS_TTL_SECONDS", 60 * 60)?,
            refresh_ttl: seconds("REFRESH_TTL_SECONDS", 30 * 24 * 60 * 60)?,
            refresh_grace: seconds("REFRESH_GRACE_SECONDS", 10)?,
            throttle_failures: variable("THROTTLE_FAILURES", 10)?,
            throttle_key: text("THROTTLE_KEY"),
            diyalog_auth_token: text("DIYALOG_AUTH_TOKEN"),
            taptalk_base: text("TAPTALK_BASE"),
            redis_url: text("REDIS_URL"),
        })
    }
}

/// The variable `name`, or `None` if it is not set or empty.
fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

/// The variable `name`, or `default` if it is not set or empty.
fn variable<T: FromStr<Err: Display>>(name: &str, default: T) -> Result<T, String> {
    Ok(optional(name)?.unwrap_or(default))
}

/// The variable `name`, or `None` if it is not set or empty.
fn optional<T: FromStr<Err: Display>>(name: &str) -> Result<Option<T>, String> {
    text(name).map(|text| text.parse().map_err(|error| format!("{name}={text:?}: {error}"))).transpose()
}
