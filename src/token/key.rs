use std::{fmt, sync::Arc};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit};
use sha2::Sha256;

use crate::{ConfigError, Secret};

const PADDING_OR_NOT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const DECODE_STANDARD: GeneralPurpose = GeneralPurpose::new(&STANDARD, PADDING_OR_NOT);
const DECODE_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, PADDING_OR_NOT);

/// The id of a [`Key`]: 1 to 16 of the characters `A-Z`, `a-z`, `0-9`, `_` and `-`.
///
/// Every token that the key signs shows it in plain text.
///
/// ```
/// use tower_verify::token::KeyId;
///
/// assert_eq!(KeyId::new("2026-07")?.as_str(), "2026-07");
/// assert!(KeyId::new("July 2026").is_err());
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    pub(super) const MAX_LEN: usize = 16;

    /// Creates an id from `text`.
    ///
    /// # Errors
    /// If `text` is empty, is longer than 16 characters, or contains a character that is not allowed.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            // The text is not quoted: it may be a key, given in place of its id.
            Err(ConfigError::new("a key id must be 1 to 16 letters, digits, `_` and `-`"))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A key that signs tokens: at least 256 secret bits, and an id.
///
/// ```
/// use tower_verify::token::Key;
///
/// let key = Key::from_bytes("2026-07", &[7; 32])?;
/// assert_eq!(key.id().as_str(), "2026-07");
/// assert!(Key::from_bytes("2026-07", b"too short").is_err());
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    bytes: Arc<[u8]>,
    mac: Hmac<Sha256>,
}

impl Key {
    const MIN_LEN: usize = 32;

    /// Generates a random key of 256 bits with a random id.
    ///
    /// [`to_text`](Self::to_text) returns it as text, to be stored.
    ///
    /// ```
    /// use tower_verify::token::{Key, KeyRing};
    ///
    /// let text = Key::generate()?.to_text();
    /// let ring = KeyRing::parse(text.expose_secret())?;
    /// # let _ = ring;
    /// # Ok::<(), tower_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn generate() -> Result<Self, ConfigError> {
        let mut random = [0; 6 + Self::MIN_LEN];
        getrandom::fill(&mut random)
            .map_err(|_| ConfigError::new("the operating system has no randomness for a key"))?;
        let (id, bytes) = random.split_at(6);
        Self::from_bytes(&URL_SAFE_NO_PAD.encode(id), bytes)
    }

    /// Creates a key from `bytes`.
    ///
    /// The bytes must come from a source of cryptographic randomness: a passphrase is not a key.
    ///
    /// # Errors
    /// If there are fewer than 32 bytes, or if `id` is not a [`KeyId`].
    pub fn from_bytes(id: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let id = KeyId::new(id)?;
        let short = || ConfigError::new(format!("the key `{id}` must have at least 256 bits"));
        if bytes.len() < Self::MIN_LEN {
            return Err(short());
        }
        let mac = Hmac::new_from_slice(bytes).map_err(|_| short())?;
        Ok(Self { id, bytes: bytes.into(), mac })
    }

    /// Creates a key from base64, such as the output of `openssl rand -base64 32`.
    ///
    /// Both the standard and the URL-safe alphabet are accepted, with or without padding.
    ///
    /// ```
    /// use tower_verify::token::Key;
    ///
    /// let key = Key::from_base64("2026-07", "HT/10iSBDIpEhIT8qsTUs2z8LWHYy3gOu7GKIsuX2iw=")?;
    /// # let _ = key;
    /// # Ok::<(), tower_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If `base64` is not valid, and as for [`from_bytes`](Self::from_bytes).
    pub fn from_base64(id: &str, base64: &str) -> Result<Self, ConfigError> {
        let id = KeyId::new(id)?;
        let decoder = if base64.contains(['-', '_']) { DECODE_URL_SAFE } else { DECODE_STANDARD };
        // The decoder's error is dropped: it quotes a byte of the key.
        let bytes =
            decoder.decode(base64).map_err(|_| ConfigError::new(format!("the key `{id}` must be valid base64")))?;
        Self::from_bytes(id.as_str(), &bytes)
    }

    /// Returns the key's id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the key as `id:base64`, the form that [`KeyRing::parse`](super::KeyRing::parse) reads.
    pub fn to_text(&self) -> Secret {
        format!("{}:{}", self.id, URL_SAFE_NO_PAD.encode(&self.bytes)).into()
    }

    /// Returns an HMAC with its key set up.
    pub(super) fn mac(&self) -> Hmac<Sha256> {
        self.mac.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_16_plain_characters() {
        for id in ["k", "2026-07_a", "0123456789abcdef"] {
            assert_eq!(KeyId::new(id).unwrap().to_string(), id);
        }
        for id in ["", "0123456789abcdefg", "a.b", "a:b", "a b", "ä", "a\n"] {
            assert!(KeyId::new(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn a_key_has_at_least_256_bits() {
        assert!(Key::from_bytes("k", &[7; 31]).is_err());
        assert!(Key::from_bytes("k", &[7; 32]).is_ok());
        assert!(Key::from_bytes("k", &[7; 200]).is_ok());
        assert!(Key::from_base64("k", &URL_SAFE_NO_PAD.encode([7; 31])).is_err());
    }

    #[test]
    fn every_common_kind_of_base64_is_accepted() {
        use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

        let bytes = [0xfb; 32];
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            assert_eq!(*Key::from_base64("k", &engine.encode(bytes)).unwrap().bytes, bytes);
        }
        for text in ["", "no base64!", "-_v7+/v7"] {
            assert!(Key::from_base64("k", text).is_err());
        }
    }

    #[test]
    fn a_generated_key_is_random_and_can_be_written_down() {
        let (one, other) = (Key::generate().unwrap(), Key::generate().unwrap());
        assert_ne!(one.bytes, other.bytes);
        assert_ne!(one.id, other.id);
        let text = one.to_text();
        let (id, base64) = text.expose_secret().split_once(':').unwrap();
        assert_eq!(Key::from_base64(id, base64).unwrap().bytes, one.bytes);
        assert_eq!((id.len(), one.bytes.len()), (8, 32));
    }

    #[test]
    fn neither_debug_nor_errors_show_a_key() {
        let key = Key::from_bytes("k7", b"605b32dd605b32dd605b32dd605b32dd").unwrap();
        let debug = format!("{key:?}");
        assert!(debug.contains("k7") && !debug.contains("605b") && !debug.contains("54"), "{debug}");
        for wrong in [Key::from_base64("k7", "605b32dd*"), Key::from_base64("605b32dd:605b32dd", "605b32dd")] {
            assert!(!wrong.unwrap_err().to_string().contains("605b"));
        }
    }
}
