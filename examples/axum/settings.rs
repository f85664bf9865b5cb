//! What can be set from outside: environment variables, each with a default.

use std::{env, error::Error, net::SocketAddr, str::FromStr, time::Duration};

/// How the example is run.
pub(crate) struct Settings {
    /// `LISTEN`: where to listen. Port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// `TOKEN_KEYS`: `id:base64,id:base64,…`, of which the first one signs. Without it a key is made up.
    pub(crate) token_keys: Option<String>,
    /// `TOKEN_TTL_SECONDS`: how long a Diyalog token is good.
    pub(crate) token_ttl: Duration,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self {
            listen: variable("LISTEN", SocketAddr::from(([127, 0, 0, 1], 3000)))?,
            token_keys: env::var("TOKEN_KEYS").ok(),
            token_ttl: Duration::from_secs(variable("TOKEN_TTL_SECONDS", 300)?),
        })
    }
}

/// The variable `name`, or `default` if it is not set or empty.
fn variable<T>(name: &str, default: T) -> Result<T, String>
where
    T: FromStr<Err: std::fmt::Display>,
{
    match env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().map_err(|error| format!("{name}={text:?}: {error}")),
        _ => Ok(default),
    }
}
