//! The stores and the keys. Several nodes share both; a single node has its own.

use tower_verify::{
    BoxError,
    observe::MeteredStore,
    store::{MemoryStore, SharedStore},
    token::KeyRing,
};

use crate::settings::Settings;

/// One store for each kind of state, so that one kind cannot fill the room of another: in Redis, or in memory.
pub(crate) struct Stores {
    pub(crate) throttle: SharedStore,
    pub(crate) sessions: SharedStore,
    pub(crate) office: SharedStore,
}

pub(crate) async fn stores(settings: &Settings) -> Result<Stores, BoxError> {
    match &settings.redis_url {
        None => {
            let memory = |name| SharedStore::new(MeteredStore::new(name, MemoryStore::new()));
            Ok(Stores { throttle: memory("throttle"), sessions: memory("sessions"), office: memory("office") })
        }
        // All three share one Redis: the throttle limits its own size.
        #[cfg(feature = "redis")]
        Some(url) => {
            use tower_verify::store::{RedisConfig, StoreError};

            let config = RedisConfig::new(url).map_err(|error| format!("REDIS_URL: {error}"))?;
            let redis = config.connect().await.map_err(|error| match error {
                StoreError::Unavailable(reason) => format!("REDIS_URL: {reason}"),
                error => format!("REDIS_URL: {error}"),
            })?;
            let redis = |name| SharedStore::new(MeteredStore::new(name, redis.clone()));
            Ok(Stores { throttle: redis("throttle"), sessions: redis("sessions"), office: redis("office") })
        }
        #[cfg(not(feature = "redis"))]
        Some(_) => Err("REDIS_URL is set: it needs `--features redis`".into()),
    }
}

/// The key ring of `TOKEN_KEYS`, or one with a new random key.
pub(crate) fn keys(settings: &Settings) -> Result<KeyRing, BoxError> {
    Ok(match &settings.token_keys {
        Some(keys) => KeyRing::parse(keys).map_err(|error| format!("TOKEN_KEYS: {error}"))?,
        None => {
            println!("# TOKEN_KEYS is not set: tokens are signed with a new key, and will not outlive this process");
            KeyRing::generate()?
        }
    })
}
