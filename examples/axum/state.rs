//! What the app keeps, and what it signs with: both shared by all nodes, or made up for one that is alone.

use tower_verify::{
    BoxError,
    store::{MemoryStore, SharedStore},
    token::KeyRing,
};

use crate::settings::Settings;

/// Redis, or the process's own memory.
pub(crate) async fn store(settings: &Settings) -> Result<SharedStore, BoxError> {
    match &settings.redis_url {
        None => Ok(SharedStore::new(MemoryStore::new())),
        #[cfg(feature = "redis")]
        Some(url) => Ok(SharedStore::new(
            tower_verify::store::RedisStore::connect(url).await.map_err(|error| format!("REDIS_URL: {error}"))?,
        )),
        #[cfg(not(feature = "redis"))]
        Some(_) => Err("REDIS_URL is set: it needs `--features redis`".into()),
    }
}

/// The ring of `TOKEN_KEYS`, or one with a new key.
pub(crate) fn keys(settings: &Settings) -> Result<KeyRing, BoxError> {
    Ok(match &settings.token_keys {
        Some(keys) => KeyRing::parse(keys).map_err(|error| format!("TOKEN_KEYS: {error}"))?,
        None => {
            println!("# TOKEN_KEYS is not set: tokens are signed with a new key, and will not outlive this process");
            KeyRing::generate()?
        }
    })
}
