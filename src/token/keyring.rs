use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use arc_swap::{ArcSwap, Guard};

use super::Key;
use crate::{ConfigError, unix_millis};

/// The keys of a [`Signer`](super::Signer): one that signs, and any number that only verify.
///
/// A ring is a handle: clones share the keys. [`rotate`](Self::rotate) replaces the keys of all clones while they are
/// in use, and no check waits for it.
///
/// Nodes read the keys that they share from the environment. A node that is alone can start with a new key:
///
/// ```
/// use std::env;
/// use tower_verify::token::KeyRing;
///
/// let ring = match env::var_os("TOKEN_KEYS") {
///     Some(_) => KeyRing::from_env("TOKEN_KEYS")?,
///     None => KeyRing::generate()?,
/// };
/// # let _ = ring;
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
///
/// # Changing the key
///
/// Every node must know a key before any node signs with it, and until the last token that it signed has expired. If
/// the keys are in the environment, set `TOKEN_KEYS` to four values in turn, and roll out each to every node before the
/// next: `old:…`, then `old:…,new:…`, then `new:…,old:…`, then `new:…`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_verify::token::{Key, KeyRing};
///
/// let old = Key::generate()?;
/// let new = Key::generate()?;
/// let ring = KeyRing::new(old.clone());
///
/// // First, every node learns the new key.
/// ring.rotate(KeyRing::new(old.clone()).with_next(new.clone())?);
/// // Then it signs with the new key. The old one verifies for another hour.
/// let until = SystemTime::now() + Duration::from_secs(3600);
/// ring.rotate(KeyRing::new(new).with_previous(old, until)?);
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<ArcSwap<Keys>>,
}

/// The keys of a ring at one time. The signing key is the first.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) current: Key,
    pub(super) others: Vec<(Key, Option<u64>)>,
    /// When this process got each key, in the same order.
    since: Vec<Instant>,
}

impl KeyRing {
    /// Creates a ring with one key, which signs.
    pub fn new(current: Key) -> Self {
        Self::from_keys(Keys { current, others: Vec::new(), since: vec![Instant::now()] })
    }

    /// Creates a ring with a new random key.
    ///
    /// Its tokens are good only in this process, as long as it runs.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn generate() -> Result<Self, ConfigError> {
        Key::generate().map(Self::new)
    }

    /// Parses a ring from `id:base64` for each key, separated by commas.
    ///
    /// The first key signs; the others only verify.
    ///
    /// ```
    /// use tower_verify::token::KeyRing;
    ///
    /// let new = "2026-07:HT/10iSBDIpEhIT8qsTUs2z8LWHYy3gOu7GKIsuX2iw=";
    /// let old = "2026-01:DzRcruQViKH/69ISyDO8qOAR3oAaj/1PpNtydA7gzow=";
    /// let ring = KeyRing::parse(&format!("{new},{old}"))?;
    /// assert_eq!(ring.ages().len(), 2);
    /// # Ok::<(), tower_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If a part does not have that form or is not a valid [`Key`], or if two keys have the same id.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut keys = text.split(',').map(|part| {
            let (id, base64) =
                part.trim().split_once(':').ok_or_else(|| ConfigError::new("a key must be given as `id:base64`"))?;
            Key::from_base64(id, base64)
        });
        let current = keys.next().unwrap_or_else(|| Err(ConfigError::new("at least one key must be given")))?;
        keys.try_fold(Self::new(current), |ring, key| ring.with_next(key?))
    }

    /// Parses a ring from the environment variable `name`, as [`parse`](Self::parse) does.
    ///
    /// # Errors
    /// If the variable is not set or not UTF-8, and as for [`parse`](Self::parse).
    pub fn from_env(name: &str) -> Result<Self, ConfigError> {
        let text = std::env::var_os(name).ok_or_else(|| ConfigError::new(format!("`{name}` is not set")))?;
        let text = text.to_str().ok_or_else(|| ConfigError::new(format!("`{name}` is not UTF-8")))?;
        Self::parse(text).map_err(|error| ConfigError::new(format!("`{name}`: {error}")))
    }

    /// Returns a ring with the same keys and a previous one, which verifies until the time `until`.
    ///
    /// The new ring is separate from the clones of this one.
    ///
    /// # Errors
    /// If the ring has a key with the same id.
    pub fn with_previous(self, key: Key, until: SystemTime) -> Result<Self, ConfigError> {
        self.with(key, Some(unix_millis(until)))
    }

    /// Returns a ring with the same keys and a next one, which verifies and does not sign yet.
    ///
    /// The new ring is separate from the clones of this one.
    ///
    /// # Errors
    /// If the ring has a key with the same id.
    pub fn with_next(self, key: Key) -> Result<Self, ConfigError> {
        self.with(key, None)
    }

    /// Replaces the keys of this ring and its clones with the present keys of `keys`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_verify::token::{Key, KeyRing, Signer};
    ///
    /// let ring = KeyRing::new(Key::from_bytes("old", &[1; 32])?);
    /// let signer = Signer::new("app", "session", "", ring.clone())?;
    ///
    /// ring.rotate(KeyRing::new(Key::from_bytes("new", &[2; 32])?));
    /// let issued = signer.issue(&[], Duration::from_secs(300))?;
    /// assert!(issued.token.expose_secret().starts_with("app_1.new."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate(&self, keys: KeyRing) {
        self.keys.store(Arc::new(Keys::clone(&keys.load()).known_since(&self.load())));
    }

    /// Signs with `key` from now on, for all clones of this ring. The key that signed until now verifies until the time
    /// `until`, and the others for as long as before. Those whose time has passed are dropped.
    ///
    /// It is for a node that is alone. Give `until` the time at which the last token of the old key expires. Nodes that
    /// share their keys must all know a key before one of them signs with it: see [above](Self#changing-the-key).
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use tower_verify::token::{Key, KeyRing, Signer};
    ///
    /// let lifetime = Duration::from_secs(300);
    /// let ring = KeyRing::generate()?;
    /// let signer = Signer::new("app", "session", "", ring.clone())?;
    /// let issued = signer.issue(&[], lifetime)?;
    ///
    /// ring.sign_with(Key::generate()?, SystemTime::now() + lifetime)?;
    /// assert!(signer.check(issued.token.expose_secret(), &[]).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the ring has a key with the same id. It then stays as it is.
    pub fn sign_with(&self, key: Key, until: SystemTime) -> Result<(), ConfigError> {
        let now_millis = unix_millis(SystemTime::now());
        loop {
            let present = self.keys.load_full();
            let mut ring = Self::new(key.clone()).with(present.current.clone(), Some(unix_millis(until)))?;
            for (key, until_millis) in &present.others {
                if until_millis.is_none_or(|until_millis| until_millis > now_millis) {
                    ring = ring.with(key.clone(), *until_millis)?;
                }
            }
            let next = Arc::new(Keys::clone(&ring.load()).known_since(&present));
            if Arc::ptr_eq(&self.keys.compare_and_swap(&present, next), &present) {
                return Ok(());
            }
        }
    }

    /// Returns for how long this process has had each key, the signing key first.
    pub fn ages(&self) -> Vec<Duration> {
        self.load().since.iter().map(Instant::elapsed).collect()
    }

    pub(super) fn load(&self) -> Guard<Arc<Keys>> {
        self.keys.load()
    }

    fn from_keys(keys: Keys) -> Self {
        Self { keys: Arc::new(ArcSwap::from_pointee(keys)) }
    }

    fn with(self, key: Key, until_millis: Option<u64>) -> Result<Self, ConfigError> {
        let mut keys = Keys::clone(&self.load());
        if keys.iter().any(|(known, _)| known.id() == key.id()) {
            return Err(ConfigError::new(format!(
                "two keys have the id `{}`: each key must have an id of its own",
                key.id()
            )));
        }
        keys.others.push((key, until_millis));
        keys.since.push(Instant::now());
        Ok(Self::from_keys(keys))
    }
}

impl Keys {
    /// Every key, the signing key first, and until when it verifies, in milliseconds since the Unix epoch.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, Option<u64>)> {
        let others = self.others.iter().map(|(key, until_millis)| (key, *until_millis));
        std::iter::once((&self.current, None)).chain(others)
    }

    /// The same keys, of which those in `earlier` are known since then.
    fn known_since(mut self, earlier: &Self) -> Self {
        let since =
            |key: &Key| earlier.iter().position(|(other, _)| other.id() == key.id()).map(|at| earlier.since[at]);
        self.since = self.iter().zip(&self.since).map(|((key, _), now)| since(key).unwrap_or(*now)).collect();
        self
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.load().iter().map(|(key, _)| key)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "b:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";

    fn ids(ring: &KeyRing) -> Vec<String> {
        ring.load().iter().map(|(key, _)| key.id().to_string()).collect()
    }

    #[test]
    fn the_first_key_of_a_text_signs() {
        let ring = KeyRing::parse(&format!("{A}, {B}")).unwrap();
        assert_eq!(ids(&ring), ["a", "b"]);
        assert_eq!(ids(&KeyRing::parse(&format!("{B},{A}")).unwrap()), ["b", "a"]);
        assert_eq!(ring.load().current.to_text(), Key::from_base64("a", &A[2..]).unwrap().to_text());
    }

    #[test]
    fn mistakes_are_refused_without_showing_a_key() {
        for text in ["", ",", "a", &format!("{A},"), &format!("{A},{A}"), &A[2..], "a:AAAA", ":AAAA", &format!("a{A}:")]
        {
            let error = KeyRing::parse(text).err().unwrap_or_else(|| panic!("{text}")).to_string();
            assert!(!error.contains("AAAA"), "{error}");
        }
    }

    #[test]
    fn an_error_of_from_env_names_the_variable() {
        assert!(KeyRing::from_env("TOWER_VERIFY_NO_SUCH_VARIABLE").unwrap_err().to_string().contains("is not set"));
        // Cargo sets this one to a path.
        assert!(KeyRing::from_env("CARGO_MANIFEST_DIR").unwrap_err().to_string().starts_with("`CARGO_MANIFEST_DIR`: "));
    }

    #[test]
    fn clones_share_the_keys_and_other_rings_do_not() {
        let ring = KeyRing::parse(A).unwrap();
        let (clone, other) = (ring.clone(), ring.clone().with_next(KeyRing::parse(B).unwrap().load().current.clone()));
        ring.rotate(KeyRing::parse(B).unwrap());
        assert_eq!(ids(&clone), ["b"]);
        assert_eq!(ids(&other.unwrap()), ["a", "b"]);
    }

    #[test]
    fn a_new_key_signs_and_the_old_ones_verify_until_their_time() {
        let (ring, now) = (KeyRing::parse(A).unwrap(), SystemTime::now());
        let key = |id: &str| Key::from_bytes(id, &[7; 32]).unwrap();
        let (past, future) = (now - Duration::from_secs(1), now + Duration::from_secs(3600));
        ring.sign_with(key("b"), past).unwrap();
        assert_eq!(ids(&ring), ["b", "a"]);
        ring.sign_with(key("c"), future).unwrap();
        assert_eq!(ids(&ring), ["c", "b"]);
        ring.sign_with(key("d"), future).unwrap();
        assert_eq!(ids(&ring), ["d", "c", "b"]);
        assert_eq!(ring.load().others[0].1, Some(unix_millis(future)));

        let ages = ring.ages();
        assert!(ages[0] <= ages[1] && ages[1] <= ages[2], "{ages:?}");
        assert!(ring.sign_with(key("b"), future).is_err());
        assert_eq!(ids(&ring), ["d", "c", "b"]);
    }

    #[test]
    fn keys_that_are_changed_at_once_are_all_known() {
        let (ring, until) = (KeyRing::parse(A).unwrap(), SystemTime::now() + Duration::from_secs(3600));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let ring = &ring;
                scope.spawn(move || {
                    for number in 0..20 {
                        ring.sign_with(Key::from_bytes(&format!("k{thread}-{number}"), &[7; 32]).unwrap(), until)
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(ids(&ring).len(), 81);
    }

    #[test]
    fn debug_shows_only_the_ids() {
        let debug = format!("{:?}", KeyRing::parse(&format!("{A},{B}")).unwrap());
        assert_eq!(debug, r#"[Key { id: "a", .. }, Key { id: "b", .. }]"#);
    }
}
