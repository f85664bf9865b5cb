use std::{
    error::Error,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::{ArcSwap, Guard};

use super::{
    IssueError, Issued, Key, KeyId, KeyRing, TokenId,
    keyed_digest::KeyedDigest,
    keyring::Keys,
    mac::{ContextKey, equal},
    payload::{Content, MAX_EXPIRY_MILLIS, Payload, TEXT_LEN},
};
use crate::{Clock, ConfigError, Secret, SystemClock, clock::millis, unix_millis};

/// The version of the format, which follows the prefix.
const VERSION: &str = "1";

/// The maximum length of a token, with any prefix and any key id.
const MAX_LEN: usize = 100;

const MAX_PREFIX_LEN: usize = MAX_LEN - "_".len() - VERSION.len() - ".".len() - KeyId::MAX_LEN - ".".len() - TEXT_LEN;

const _: () = assert!(MAX_PREFIX_LEN == 8);

/// Issues tokens for one purpose of one tenant, and checks them.
///
/// Clones share the keys.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_verify::{ManualClock, token::{CheckError, KeyRing, Signer}};
///
/// let clock = ManualClock::new(SystemTime::now());
/// let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?.clock(clock.clone());
///
/// // For Ann, bound to her device, and good for five minutes.
/// let issued = signer.issue_for(b"ann", &[b"device-7"], Duration::from_secs(300))?;
/// let token = issued.token.expose_secret();
/// assert_eq!(signer.check_for(b"ann", token, &[b"device-7"])?.id, issued.id);
///
/// assert_eq!(signer.check_for(b"bob", token, &[b"device-7"]), Err(CheckError::NotOurs));
/// assert_eq!(signer.check_for(b"ann", token, &[b"device-8"]), Err(CheckError::BoundToOther));
/// clock.advance(Duration::from_secs(300));
/// assert_eq!(signer.check_for(b"ann", token, &[b"device-7"]), Err(CheckError::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    inner: Arc<Inner>,
    clock: Arc<dyn Clock>,
}

struct Inner {
    prefix: Box<str>,
    purpose: Box<str>,
    tenant: Box<str>,
    keys: KeyRing,
    derived: ArcSwap<DerivedKeys>,
}

/// The keys of this signer's context, derived from the keys of the ring.
struct DerivedKeys {
    from: Arc<Keys>,
    keys: Box<[DerivedKey]>,
}

struct DerivedKey {
    /// The beginning of every token of this key.
    head: Box<str>,
    until_millis: Option<u64>,
    key: ContextKey,
}

/// The content of a good token, as [`Signer::check`] and [`Register::check`](super::Register::check) return it.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_verify::token::{KeyRing, Signer};
///
/// let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?;
/// let issued = signer.issue(&[], Duration::from_secs(300))?;
///
/// let checked = signer.check(issued.token.expose_secret(), &[])?;
/// assert_eq!((checked.id, checked.expires_at), (issued.id, issued.expires_at));
/// println!("the token {} has {:?} left", checked.id, checked.expires_at.duration_since(SystemTime::now())?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The token's id.
    pub id: TokenId,
    /// When the token expires.
    pub expires_at: SystemTime,
}

/// Why a token is refused.
///
/// ```
/// use tower_verify::token::{CheckError, KeyRing, Signer};
///
/// let signer = Signer::new("app", "invitation", "", KeyRing::generate()?)?;
/// let answer = match signer.check("app_1.k7.guess", &[]) {
///     Ok(_) => "welcome",
///     Err(CheckError::Expired) => "the invitation has expired: ask for another one",
///     Err(CheckError::Used) => "the invitation was used before",
///     Err(_) => "the invitation is not valid",
/// };
/// assert_eq!(answer, "the invitation is not valid");
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckError {
    /// No key of the ring signed this text as a token of this purpose, tenant and subject.
    NotOurs,
    /// The token is bound to something else. It may have expired as well.
    BoundToOther,
    /// The token is past its expiry.
    Expired,
    /// The token is not in the [`Register`](super::Register): it was revoked, or the register's store lost it.
    Revoked,
    /// The token is for single use and was used before.
    Used,
}

impl Signer {
    /// Creates a signer of tokens that begin with `prefix` and `_`, with these `keys` and the system's clock.
    ///
    /// Tokens of another `purpose` or another `tenant` are [`NotOurs`](CheckError::NotOurs), even if prefix and keys
    /// are the same. The tenant may be empty when there is only one.
    ///
    /// # Errors
    /// If the prefix is not 1 to 8 of the characters `a-z` and `0-9`, or if the purpose is empty.
    pub fn new(prefix: &str, purpose: &str, tenant: &str, keys: KeyRing) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(1..=MAX_PREFIX_LEN).contains(&prefix.len()) || !prefix.bytes().all(allowed) {
            return Err(ConfigError::new("a token's prefix must be 1 to 8 lower-case letters and digits"));
        }
        if purpose.is_empty() {
            return Err(ConfigError::new("a token's purpose must not be empty"));
        }
        let from = Guard::into_inner(keys.load());
        let derived = ArcSwap::from_pointee(DerivedKeys::derive(from, prefix, purpose, tenant));
        let inner = Inner { prefix: prefix.into(), purpose: purpose.into(), tenant: tenant.into(), keys, derived };
        Ok(Self { inner: Arc::new(inner), clock: Arc::new(SystemClock) })
    }

    /// Sets the clock that expiry is measured by.
    ///
    /// The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Issues a token that is bound to `binding` and good for `ttl`.
    ///
    /// The binding is a list of parts: `["ab", "c"]` is another one than `["a", "bc"]`. The time is counted in whole
    /// milliseconds, and ends in the year 10889 at the latest.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn issue(&self, binding: &[&[u8]], ttl: Duration) -> Result<Issued, IssueError> {
        self.issue_for(b"", binding, ttl)
    }

    /// Issues a token for one `subject`, otherwise as [`issue`](Self::issue) does.
    ///
    /// When it is checked for another subject, it is [`NotOurs`](CheckError::NotOurs).
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn issue_for(&self, subject: &[u8], binding: &[&[u8]], ttl: Duration) -> Result<Issued, IssueError> {
        let expiry_millis = self.clock.unix_millis().saturating_add(millis(ttl));
        Ok(self.sign(TokenId::random()?, subject, binding, expiry_millis))
    }

    /// Issues a token with this `id` and expiry, otherwise as [`issue_for`](Self::issue_for) does.
    ///
    /// A check returns the id and the expiry, which is in whole milliseconds. Do not use an id twice, unless for the
    /// same holder. As long as the first key of the ring is the same, the same arguments make the same token.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use tower_verify::token::{KeyRing, Signer, TokenId};
    ///
    /// let signer = Signer::new("app", "session", "", KeyRing::generate()?)?;
    /// let row = 7_u128; // where the session is in your database
    /// let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    /// let issued = signer.issue_with_id(TokenId::from_bytes(row.to_be_bytes()), b"", &[], tomorrow);
    ///
    /// let checked = signer.check(issued.token.expose_secret(), &[])?;
    /// assert_eq!(u128::from_be_bytes(checked.id.to_bytes()), row);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn issue_with_id(&self, id: TokenId, subject: &[u8], binding: &[&[u8]], expires_at: SystemTime) -> Issued {
        self.sign(id, subject, binding, unix_millis(expires_at))
    }

    fn sign(&self, id: TokenId, subject: &[u8], binding: &[&[u8]], expiry_millis: u64) -> Issued {
        let expiry_millis = expiry_millis.min(MAX_EXPIRY_MILLIS);
        let derived = self.inner.derived();
        let DerivedKey { head, key, .. } = derived.current();
        let content = Content::new(expiry_millis, id, key.binding_digest(id, binding));
        let payload = Payload { mac: key.mac(&content, subject), content };
        let mut token = String::with_capacity(head.len() + TEXT_LEN);
        token.push_str(head);
        payload.encode(&mut token);
        Issued { token: Secret::from(token), id, expires_at: system_time(expiry_millis) }
    }

    /// Checks a token that must be bound to `binding`.
    ///
    /// # Errors
    /// If the token is refused. If several reasons apply, the error is the first of them in [`CheckError`].
    pub fn check(&self, token: &str, binding: &[&[u8]]) -> Result<Checked, CheckError> {
        self.check_for(b"", token, binding)
    }

    /// Checks a token that must be issued for `subject` and bound to `binding`.
    ///
    /// # Errors
    /// If the token is refused. If several reasons apply, the error is the first of them in [`CheckError`].
    pub fn check_for(&self, subject: &[u8], token: &str, binding: &[&[u8]]) -> Result<Checked, CheckError> {
        self.check_bound(subject, token, Some(binding))
    }

    /// Checks a token without its binding, to revoke it.
    ///
    /// Do not use this to admit anybody who presents the token.
    ///
    /// # Errors
    /// As [`check`](Self::check), except [`BoundToOther`](CheckError::BoundToOther).
    pub fn check_unbound(&self, token: &str) -> Result<Checked, CheckError> {
        self.check_bound(b"", token, None)
    }

    fn check_bound(&self, subject: &[u8], token: &str, binding: Option<&[&[u8]]>) -> Result<Checked, CheckError> {
        let now_millis = self.clock.unix_millis();
        let derived = self.inner.derived();
        let (DerivedKey { until_millis, key, .. }, text) = derived.find(token).ok_or(CheckError::NotOurs)?;
        if until_millis.is_some_and(|until_millis| now_millis >= until_millis) {
            return Err(CheckError::NotOurs);
        }
        let Payload { content, mac } = Payload::decode(text).ok_or(CheckError::NotOurs)?;
        let id = content.id();

        // All are computed before one is reported, so that the time of a check does not tell the reason of a refusal.
        let bound = binding.is_none_or(|binding| equal(key.binding_digest(id, binding), content.binding()));
        let ours = equal(key.mac(&content, subject), mac);
        let live = now_millis < content.expiry_millis();
        match (ours, bound, live) {
            (true, true, true) => Ok(Checked { id, expires_at: system_time(content.expiry_millis()) }),
            (true, true, false) => Err(CheckError::Expired),
            (true, false, _) => Err(CheckError::BoundToOther),
            (false, ..) => Err(CheckError::NotOurs),
        }
    }

    /// The pseudonym of `subject` under the signing key.
    pub(super) fn pseudonym(&self, subject: &[u8]) -> KeyedDigest {
        self.inner.derived().current().key.pseudonym(subject)
    }

    /// The pseudonyms of `subject` under every key of the ring.
    pub(super) fn pseudonyms(&self, subject: &[u8]) -> Vec<KeyedDigest> {
        self.inner.derived().keys.iter().map(|derived| derived.key.pseudonym(subject)).collect()
    }

    pub(super) fn prefix(&self) -> &str {
        &self.inner.prefix
    }
}

impl Inner {
    fn derived(&self) -> Guard<Arc<DerivedKeys>> {
        let (keys, derived) = (self.keys.load(), self.derived.load());
        if Arc::ptr_eq(&keys, &derived.from) {
            return derived;
        }
        // The ring was rotated. The threads that notice it derive the same keys.
        let from = Guard::into_inner(keys);
        let derived = Arc::new(DerivedKeys::derive(from, &self.prefix, &self.purpose, &self.tenant));
        self.derived.store(Arc::clone(&derived));
        Guard::from_inner(derived)
    }
}

impl DerivedKeys {
    fn derive(from: Arc<Keys>, prefix: &str, purpose: &str, tenant: &str) -> Self {
        let derive = |key: &Key, until_millis| {
            let context = [VERSION, prefix, key.id().as_str(), purpose, tenant];
            DerivedKey {
                head: format!("{prefix}_{VERSION}.{}.", key.id()).into(),
                until_millis,
                key: ContextKey::derive(key, &context.map(str::as_bytes)),
            }
        };
        let keys = from.iter().map(|(key, until_millis)| derive(key, until_millis)).collect();
        Self { from, keys }
    }

    /// The signing key: the first of the ring.
    fn current(&self) -> &DerivedKey {
        &self.keys[0]
    }

    /// The key that `token` names, and the rest of the token.
    fn find<'a>(&self, token: &'a str) -> Option<(&DerivedKey, &'a str)> {
        self.keys.iter().find_map(|key| Some((key, token.strip_prefix(&*key.head)?)))
    }
}

fn system_time(unix_millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(unix_millis)
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { prefix, purpose, tenant, keys, .. } = &*self.inner;
        f.debug_struct("Signer")
            .field("prefix", prefix)
            .field("purpose", purpose)
            .field("tenant", tenant)
            .field("keys", keys)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOurs => "the token is not ours",
            Self::BoundToOther => "the token is bound to something else",
            Self::Expired => "the token has expired",
            Self::Revoked => "the token was revoked",
            Self::Used => "the token was used before",
        })
    }
}

impl Error for CheckError {}
