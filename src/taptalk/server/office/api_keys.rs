use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::{ConfigError, taptalk::ApiKey};

/// The keys that a [`TicketOffice`](super::TicketOffice) knows: those of backends, or those of apps.
///
/// Several can be live at once, so that a key is rotated without an outage. Clones share the keys, and
/// [`rotate`](Self::rotate) replaces them for all of them while they are in use.
///
/// Only digests are kept. A key is looked up by comparing its digest with every other in constant time, so that an
/// unknown id and a wrong secret are the same work.
///
/// ```
/// use tower_verify::taptalk::{ApiKey, ApiKeys};
///
/// let keys = ApiKeys::new([ApiKey::new("backend", "the-secret-until-now")])?;
/// keys.rotate(ApiKeys::new([
///     ApiKey::new("backend", "the-secret-until-now"),
///     ApiKey::new("backend", "the-new-secret"),
/// ])?);
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ApiKeys {
    digests: Arc<ArcSwap<Vec<[u8; 32]>>>,
}

impl ApiKeys {
    /// The keys `live`, and no others.
    ///
    /// # Errors
    /// If there is none; if an id or a secret is empty, which is an environment variable somebody forgot; or if an id
    /// has a colon, so that nobody could present it.
    pub fn new(live: impl IntoIterator<Item = ApiKey>) -> Result<Self, ConfigError> {
        let digests = live.into_iter().map(|key| match key.id.expose_secret() {
            "" => Err(ConfigError::new("the id of an API key is empty")),
            _ if key.secret.is_empty() => Err(ConfigError::new("the secret of an API key is empty")),
            id if id.contains(':') => Err(ConfigError::new("the id of an API key has a colon")),
            _ => Ok(digest(&key)),
        });
        let digests = digests.collect::<Result<Vec<_>, _>>()?;
        if digests.is_empty() {
            return Err(ConfigError::new("no API key was given"));
        }
        Ok(Self::from_digests(digests))
    }

    /// No key at all.
    pub(super) fn none() -> Self {
        Self::from_digests(Vec::new())
    }

    /// Replaces these keys, and those of all clones, by the ones that `keys` has now.
    pub fn rotate(&self, keys: ApiKeys) {
        self.digests.store(keys.digests.load_full());
    }

    /// Whether `key` is one of them.
    pub(super) fn contains(&self, key: &ApiKey) -> bool {
        let digest = digest(key);
        // `|` and not `any`: which of the keys it was must not show in the time taken.
        let known = self.digests.load().iter().fold(Choice::from(0), |known, live| known | live.ct_eq(&digest));
        known.into()
    }

    fn from_digests(digests: Vec<[u8; 32]>) -> Self {
        Self { digests: Arc::new(ArcSwap::from_pointee(digests)) }
    }
}

/// The digest of `id:secret`. No id has a colon, so that no two keys are the same bytes.
fn digest(key: &ApiKey) -> [u8; 32] {
    let (id, secret) = (key.id.expose_secret(), key.secret.expose_secret());
    Sha256::new().chain_update(id).chain_update(":").chain_update(secret).finalize().into()
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("live", &self.digests.load().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_id_and_its_secret() {
        let keys = ApiKeys::new([ApiKey::new("a", "one"), ApiKey::new("a", "two"), ApiKey::new("b", "three")]).unwrap();
        for (id, secret, known) in [
            ("a", "one", true),
            ("a", "two", true),
            ("b", "three", true),
            ("a", "three", false),
            ("b", "one", false),
            ("c", "one", false),
            ("a", "on", false),
            ("ao", "ne", false),
            ("", "aone", false),
        ] {
            assert_eq!(keys.contains(&ApiKey::new(id, secret)), known, "{id}:{secret}");
        }
        assert!(!ApiKeys::none().contains(&ApiKey::new("", "")));
    }

    #[test]
    fn clones_share_what_is_rotated() {
        let keys = ApiKeys::new([ApiKey::new("a", "one")]).unwrap();
        let clone = keys.clone();
        keys.rotate(ApiKeys::new([ApiKey::new("a", "two")]).unwrap());
        assert!(!clone.contains(&ApiKey::new("a", "one")));
        assert!(clone.contains(&ApiKey::new("a", "two")));
    }

    #[test]
    fn mistakes_are_refused_and_shown_without_the_secret() {
        assert!(ApiKeys::new([]).is_err());
        for key in [ApiKey::new("", "605b32dd"), ApiKey::new("a:b", "605b32dd"), ApiKey::new("a", "")] {
            assert!(!ApiKeys::new([key]).unwrap_err().to_string().contains("605b"));
        }
        assert!(!format!("{:?}", ApiKeys::new([ApiKey::new("a", "605b32dd")])).contains("605b"));
    }
}
