use std::{fmt, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::{
    ConfigError, Secret,
    taptalk::{ApiKey, Device, KeyRefusal, UserPlatform},
};

/// A key that a [`TicketOffice`](super::TicketOffice) knows, with its limits.
///
/// By default it is good on every platform and does not expire. An [`ApiKey`] converts into one.
///
/// ```
/// use tower_verify::taptalk::{ApiKey, ApiKeys, KeyRefusal, KnownKey, UserPlatform};
///
/// let web = KnownKey::new(ApiKey::new("web", "pl41n")).for_platforms([UserPlatform::Web]);
/// let retired = KnownKey::new(ApiKey::new("ios", "0ld")).refused(KeyRefusal::NotEnabled);
/// let keys = ApiKeys::new([web, retired, ApiKey::new("android", "pl41n").into()])?;
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct KnownKey {
    key: ApiKey,
    platforms: Option<Vec<UserPlatform>>,
    expires_at: Option<SystemTime>,
    refused: Option<KeyRefusal>,
}

impl KnownKey {
    /// A key without limits.
    pub fn new(key: ApiKey) -> Self {
        Self { key, platforms: None, expires_at: None, refused: None }
    }

    /// Limits the key to apps that send one of `platforms` in `Device-Platform`. The default is no limit.
    ///
    /// An app that sends another platform, or none, gets [`KeyRefusal::OtherPlatform`], code 49104.
    pub fn for_platforms(mut self, platforms: impl IntoIterator<Item = UserPlatform>) -> Self {
        self.platforms = Some(platforms.into_iter().collect());
        self
    }

    /// Sets the time from which the key is [`KeyRefusal::Expired`], code 49106. The default is never.
    pub fn expires_at(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Switches the key off: a caller that presents the key and its secret gets this refusal.
    pub fn refused(mut self, refusal: KeyRefusal) -> Self {
        self.refused = Some(refusal);
        self
    }
}

impl From<ApiKey> for KnownKey {
    fn from(key: ApiKey) -> Self {
        Self::new(key)
    }
}

/// The keys that a [`TicketOffice`](super::TicketOffice) knows: those of backends, or those of apps.
///
/// Several keys can be live at once, so that a key can be rotated without an outage. Clones share the keys:
/// [`rotate`](Self::rotate) replaces them in all clones, while they are in use.
///
/// Only digests of the secrets are kept. A presented key is compared with every live key in constant time, so that an
/// unknown id and a wrong secret take the same time.
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
    live: Arc<ArcSwap<Vec<Live>>>,
}

struct Live {
    id: Secret,
    digest: [u8; 32],
    platforms: Option<Vec<UserPlatform>>,
    expires_at: Option<SystemTime>,
    refused: Option<KeyRefusal>,
}

impl Live {
    fn check(&self, device: Option<&Device>, now: SystemTime) -> Result<(), KeyRefusal> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if self.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Err(KeyRefusal::Expired);
        }
        let on = device.and_then(|device| UserPlatform::from_word(device.platform.as_ref()?.expose_secret()));
        match &self.platforms {
            Some(platforms) if !on.is_some_and(|on| platforms.contains(&on)) => Err(KeyRefusal::OtherPlatform),
            _ => Ok(()),
        }
    }
}

impl ApiKeys {
    /// A set of the keys `live`.
    ///
    /// # Errors
    /// If there is no key; if an id or a secret is empty, such as from an unset environment variable; or if an id has a
    /// colon, which the `id:secret` form in the header does not allow.
    pub fn new(live: impl IntoIterator<Item = impl Into<KnownKey>>) -> Result<Self, ConfigError> {
        let live = live.into_iter().map(|known| {
            let KnownKey { key, platforms, expires_at, refused } = known.into();
            match key.id.expose_secret() {
                "" => Err(ConfigError::new("the id of an API key must not be empty")),
                _ if key.secret.is_empty() => Err(ConfigError::new("the secret of an API key must not be empty")),
                id if id.contains(':') => Err(ConfigError::new("the id of an API key must not contain a colon")),
                _ => Ok(Live { digest: digest(&key), id: key.id, platforms, expires_at, refused }),
            }
        });
        let live = live.collect::<Result<Vec<_>, _>>()?;
        if live.is_empty() {
            return Err(ConfigError::new("at least one API key is needed"));
        }
        Ok(Self::from_live(live))
    }

    /// An empty set.
    pub(super) fn none() -> Self {
        Self::from_live(Vec::new())
    }

    /// Replaces the keys of this set and of all its clones with the present keys of `keys`.
    pub fn rotate(&self, keys: ApiKeys) {
        self.live.store(keys.live.load_full());
    }

    /// Checks a key that a backend presents, or an app on `device`.
    pub(super) fn check(&self, key: &ApiKey, device: Option<&Device>, now: SystemTime) -> Result<(), KeyRefusal> {
        let (digest, live) = (digest(key), self.live.load());
        // Compare with every key, so that the time does not depend on which one matches.
        let (mut found, mut index) = (Choice::from(0), 0_u64);
        for (at, live) in (0..).zip(live.iter()) {
            let same = live.digest.ct_eq(&digest);
            index.conditional_assign(&at, same);
            found |= same;
        }
        let known = live.get(usize::try_from(index).unwrap_or(usize::MAX)).filter(|_| bool::from(found));
        known.ok_or(KeyRefusal::Unknown)?.check(device, now)
    }

    /// The ids of all keys without duplicates, each with whether an app on `device` may use a key of that id.
    pub(super) fn ids(&self, device: &Device, now: SystemTime) -> Vec<(Secret, Result<(), KeyRefusal>)> {
        let mut ids: Vec<(Secret, Result<(), KeyRefusal>)> = Vec::new();
        for live in self.live.load().iter() {
            let checked = live.check(Some(device), now);
            match ids.iter_mut().find(|(id, _)| id.expose_secret() == live.id.expose_secret()) {
                Some((_, usable)) => *usable = usable.or(checked),
                None => ids.push((live.id.clone(), checked)),
            }
        }
        ids
    }

    fn from_live(live: Vec<Live>) -> Self {
        Self { live: Arc::new(ArcSwap::from_pointee(live)) }
    }
}

/// The digest of `id:secret`. No id has a colon, so no two keys give the same bytes.
fn digest(key: &ApiKey) -> [u8; 32] {
    let (id, secret) = (key.id.expose_secret(), key.secret.expose_secret());
    Sha256::new().chain_update(id).chain_update(":").chain_update(secret).finalize().into()
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("live", &self.live.load().len()).finish_non_exhaustive()
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
            let checked = keys.check(&ApiKey::new(id, secret), None, SystemTime::UNIX_EPOCH);
            assert_eq!(checked, if known { Ok(()) } else { Err(KeyRefusal::Unknown) }, "{id}:{secret}");
        }
        assert!(ApiKeys::none().check(&ApiKey::new("", ""), None, SystemTime::UNIX_EPOCH).is_err());
    }

    #[test]
    fn clones_share_what_is_rotated() {
        let keys = ApiKeys::new([ApiKey::new("a", "one")]).unwrap();
        let clone = keys.clone();
        keys.rotate(ApiKeys::new([ApiKey::new("a", "two")]).unwrap());
        let knows = |secret: &str| clone.check(&ApiKey::new("a", secret), None, SystemTime::UNIX_EPOCH).is_ok();
        assert!(!knows("one") && knows("two"));
    }

    // Contract: TT-49104, TT-49106, TT-49201.
    #[test]
    fn a_known_key_is_refused_for_its_reason() {
        let end = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(60);
        let key = |secret: &str| KnownKey::new(ApiKey::new("a", secret));
        let keys = ApiKeys::new([
            key("web").for_platforms([UserPlatform::Web]),
            key("brief").expires_at(end),
            key("off").refused(KeyRefusal::NotEnabled),
            key("gone").refused(KeyRefusal::WithoutOwner).expires_at(SystemTime::UNIX_EPOCH),
        ]);
        let keys = keys.unwrap();
        let (web, ios) = (Device::default().on("web"), Device::default().on("ios"));
        let before = end - std::time::Duration::from_nanos(1);
        for (secret, device, now, checked) in [
            ("web", Some(&web), before, Ok(())),
            ("web", Some(&ios), before, Err(KeyRefusal::OtherPlatform)),
            ("web", Some(&Device::default()), before, Err(KeyRefusal::OtherPlatform)),
            ("web", None, before, Err(KeyRefusal::OtherPlatform)),
            ("brief", Some(&ios), before, Ok(())),
            ("brief", None, end, Err(KeyRefusal::Expired)),
            ("off", None, before, Err(KeyRefusal::NotEnabled)),
            ("gone", None, before, Err(KeyRefusal::WithoutOwner)),
            ("other", Some(&web), before, Err(KeyRefusal::Unknown)),
        ] {
            assert_eq!(keys.check(&ApiKey::new("a", secret), device, now), checked, "{secret}");
        }
    }

    #[test]
    fn configuration_errors_and_debug_do_not_show_the_secret() {
        assert!(ApiKeys::new([] as [ApiKey; 0]).is_err());
        for key in [ApiKey::new("", "605b32dd"), ApiKey::new("a:b", "605b32dd"), ApiKey::new("a", "")] {
            assert!(!ApiKeys::new([key]).unwrap_err().to_string().contains("605b"));
        }
        assert!(!format!("{:?}", ApiKeys::new([ApiKey::new("a", "605b32dd")])).contains("605b"));
    }
}
