use std::{fmt, future::Future, pin::Pin, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use sha2::Sha256;

use crate::{BoxError, ConfigError};

/// A key that a caller signs its requests with, for HMAC-SHA-256.
///
/// ```
/// use tower_verify::caller::SigningKey;
///
/// let key = SigningKey::from_base64("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// assert_eq!(format!("{key:?}"), "SigningKey([redacted])");
/// assert!(SigningKey::from_bytes(b"too short").is_err());
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The shortest key, in bytes.
    const MIN_LEN: usize = 16;

    /// A key of these bytes. For a secret that the platform shows as text and uses as text, they are its bytes.
    ///
    /// # Errors
    /// If there are less than 16 bytes, as of an environment variable that is not set.
    pub fn from_bytes(key: &[u8]) -> Result<Self, ConfigError> {
        if key.len() < Self::MIN_LEN {
            return Err(ConfigError::new("a signing key must have at least 16 bytes"));
        }
        Ok(Self(Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")))
    }

    /// A key in base64, with or without the prefix `whsec_` of Standard Webhooks.
    ///
    /// # Errors
    /// If it is not base64, or has less than 16 bytes.
    pub fn from_base64(key: &str) -> Result<Self, ConfigError> {
        let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap_or(key));
        Self::from_bytes(&key.map_err(|_| ConfigError::new("a signing key must be base64, with its padding"))?)
    }

    pub(super) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// The keys of which one must have signed a request: fixed ones, or those that a look-up finds.
///
/// To rotate a key without an outage, have the old and the new one here until the platform uses the new one.
///
/// ```
/// use http::request::Parts;
/// use tower_verify::{BoxError, caller::{SigningKey, SigningKeys}};
///
/// let fixed = SigningKeys::new([SigningKey::from_bytes(b"the next key, of 28 bytes...")?])?;
///
/// async fn keys_of_tenant(host: String) -> Result<Vec<SigningKey>, BoxError> {
///     Ok(match host.as_str() { // ask your database
///         "acme.example.com" => vec![SigningKey::from_bytes(b"the key of Acme, 26 bytes.")?],
///         _ => Vec::new(),
///     })
/// }
/// let looked_up = SigningKeys::look_up(|head: &Parts| {
///     let host = head.headers.get("host").and_then(|host| host.to_str().ok());
///     keys_of_tenant(host.unwrap_or_default().to_owned())
/// });
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone)]
pub struct SigningKeys(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Arc<[SigningKey]>),
    LookedUp(Arc<LookUp>),
}

type LookUp = dyn Fn(&Parts) -> LookingUp + Send + Sync;
type LookingUp = Pin<Box<dyn Future<Output = Result<Vec<SigningKey>, BoxError>> + Send>>;

impl SigningKeys {
    /// Fixed keys.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(keys: impl IntoIterator<Item = SigningKey>) -> Result<Self, ConfigError> {
        let keys: Arc<[SigningKey]> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(ConfigError::new("there is no signing key: give at least one"));
        }
        Ok(Self(Kind::Fixed(keys)))
    }

    /// The keys that `look_up` finds for a request, for example those of a tenant. Without a key, the caller is unknown.
    ///
    /// Nothing in the request is verified at that time. If the look-up fails, so does the request.
    pub fn look_up<F, Fut>(look_up: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<SigningKey>, BoxError>> + Send + 'static,
    {
        Self(Kind::LookedUp(Arc::new(move |head| Box::pin(look_up(head)))))
    }

    /// The signatures of a body with each of the keys.
    pub(super) async fn sign(&self, head: &Parts, prefix: &[&[u8]], body: &Bytes) -> Result<Vec<[u8; 32]>, BoxError> {
        let parts = [prefix, &[body]].concat();
        let sign = |keys: &[SigningKey]| keys.iter().map(|key| key.sign(&parts)).collect();
        Ok(match &self.0 {
            Kind::Fixed(keys) => sign(keys),
            Kind::LookedUp(look_up) => sign(&look_up(head).await?),
        })
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Fixed(_) => "SigningKeys([redacted])",
            Kind::LookedUp(_) => "SigningKeys(look-up)",
        })
    }
}
