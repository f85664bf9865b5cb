//! Secret text.

use std::{borrow::Cow, fmt};

use bytestring::ByteString;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;

/// Text that is redacted in `Debug` and compared in constant time.
///
/// It has no `Display` and no `Serialize`: [`expose_secret`](Self::expose_secret) is the only way to the text. A text of
/// up to 23 bytes is in the secret itself. A longer one that was decoded from a request is a slice of the request's body,
/// and is copied only if the JSON had escapes. Neither is overwritten when it is dropped.
///
/// Two secrets of the same length are compared in a time that depends on the length alone. The length itself is not
/// hidden.
///
/// ```
/// use tower_verify::Secret;
///
/// let token = Secret::from("2121sasasrwsdss");
/// assert_eq!(format!("{token:?}"), "Secret([redacted])");
/// assert_eq!(token.expose_secret(), "2121sasasrwsdss");
/// assert!(token == Secret::from("2121sasasrwsdss")); // in constant time
/// ```
#[derive(Clone)]
pub struct Secret(Text);

/// A copy of a short text needs no allocation and no reference count, and does not keep the whole body.
#[derive(Clone)]
enum Text {
    Short { len: u8, bytes: [u8; SHORT] },
    Shared(ByteString),
}

/// The longest text that takes no more room than a [`ByteString`].
const SHORT: usize = 23;

const _: () = assert!(size_of::<Text>() == size_of::<ByteString>());

impl Text {
    /// `text` itself if it is short, and `long` otherwise.
    #[inline]
    fn new(text: &str, long: impl FnOnce() -> ByteString) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(short) => {
                short.copy_from_slice(text.as_bytes());
                Self::Short { len: text.len() as u8, bytes }
            }
            None => Self::Shared(long()),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(text) => text.as_bytes(),
        }
    }
}

impl Secret {
    /// A secret that is known when the program is compiled: for tests and examples.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Text::Shared(ByteString::from_static(text)))
    }

    /// The text itself. Keep it out of logs and responses.
    pub fn expose_secret(&self) -> &str {
        match &self.0 {
            Text::Short { .. } => str::from_utf8(self.0.as_bytes()).expect("it was made from text"),
            Text::Shared(text) => text,
        }
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        self.0.as_bytes().len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.as_bytes().is_empty()
    }

    /// Whether the text is `bytes`, in constant time.
    #[inline]
    pub(crate) fn is_bytes(&self, bytes: &[u8]) -> bool {
        let own = self.0.as_bytes();
        if own.len() != bytes.len() {
            return false;
        }
        // Eight bytes are compared as one number, and the last eight again if they overlap.
        let same_words = |left: &[u8; 8], right: &[u8; 8]| u64::from_le_bytes(*left).ct_eq(&u64::from_le_bytes(*right));
        let (Some(last), Some(last_bytes)) = (own.last_chunk(), bytes.last_chunk()) else {
            return own.ct_eq(bytes).into();
        };
        let words = own.as_chunks().0.iter().zip(bytes.as_chunks().0);
        words.fold(same_words(last, last_bytes), |same, (left, right)| same & same_words(left, right)).into()
    }

    /// A secret that was decoded from `source`: a slice of it if `text` is borrowed and longer than 23 bytes.
    ///
    /// # Panics
    /// If such a `text` is not borrowed from `source`.
    #[inline]
    pub fn slice_of(source: &ByteString, text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self(Text::new(text, || source.slice_ref(text))),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::from_static("")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        if text.len() <= SHORT { text.as_str().into() } else { Self(Text::Shared(text.into())) }
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Text::new(text, || text.into()))
    }
}

impl From<Cow<'_, str>> for Secret {
    #[inline]
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is_bytes(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl PartialEq<str> for Secret {
    fn eq(&self, other: &str) -> bool {
        self.is_bytes(other.as_bytes())
    }
}

impl PartialEq<&str> for Secret {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(Secret: Send, Sync, Clone);
    assert_not_impl_any!(Secret: fmt::Display, serde::Serialize, std::hash::Hash, AsRef<str>);

    #[test]
    fn equal_only_when_every_byte_is() {
        let secret = Secret::from("605b32dd");
        assert_eq!(secret, Secret::from(String::from("605b32dd")));
        assert_eq!(secret, "605b32dd");
        for other in ["", "605b32d", "605b32de", "505b32dd", "605b32dd0"] {
            assert_ne!(secret, Secret::from(other));
        }
    }

    #[test]
    fn a_long_borrowed_text_is_a_slice_of_its_source() {
        let source = ByteString::from("k".repeat(30));
        let sliced = |len| Secret::slice_of(&source, Cow::Borrowed(&source[3..3 + len]));
        assert_eq!(sliced(SHORT + 1).expose_secret().as_ptr(), source[3..].as_ptr());
        // A short one does not keep the source.
        let short = sliced(SHORT);
        assert!(!source.as_bytes().as_ptr_range().contains(&short.expose_secret().as_ptr()));
    }

    /// Words that overlap, and the bytes of a text that is shorter than a word.
    #[test]
    fn a_difference_in_any_byte_is_found() {
        for len in 0..40 {
            let text = vec![b'k'; len];
            let secret = Secret::from(String::from_utf8(text.clone()).unwrap());
            assert!(secret.is_bytes(&text));
            for index in 0..len {
                let mut other = text.clone();
                other[index] ^= 1 << (index % 8);
                assert!(!secret.is_bytes(&other), "{len} {index}");
            }
        }
    }

    #[test]
    fn a_text_of_any_length_is_kept() {
        for len in [0, 1, 22, 23, 24, 25, 255, 256, 257, 300] {
            let text = "k".repeat(len);
            let source = ByteString::from(text.clone());
            let sliced = Secret::slice_of(&source, Cow::Borrowed(&source));
            for secret in [Secret::from(&*text), Secret::from(text.clone()), sliced] {
                assert_eq!((secret.expose_secret(), secret.len(), secret.is_empty()), (&*text, len, len == 0));
                assert_eq!(secret, &*text);
                assert_eq!(secret, Secret(Text::Shared(text.clone().into())));
                assert_ne!(secret, Secret::from(format!("{text}k")));
            }
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Some(Secret::from("605b32dd"))).contains("605b"));
    }
}
