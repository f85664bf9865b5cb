use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{TokenId, keyed_digest::KeyedDigest, mac::TokenMac};

const EXPIRY_LEN: usize = 6;

/// The latest expiry that fits into a token, in the year 10889.
pub(super) const MAX_EXPIRY_MILLIS: u64 = (1 << (8 * EXPIRY_LEN)) - 1;

const LEN: usize = size_of::<Content>() + size_of::<TokenMac>();

/// The payload fills base64's groups exactly, so every bit of every character counts.
pub(super) const TEXT_LEN: usize = LEN / 3 * 4;

const _: () = assert!(LEN.is_multiple_of(3));

/// The bytes after the readable part of a token.
pub(super) struct Payload {
    pub(super) content: Content,
    pub(super) mac: TokenMac,
}

/// The expiry, the id, and the digest of the binding.
pub(super) struct Content([u8; EXPIRY_LEN + TokenId::LEN + size_of::<KeyedDigest>()]);

impl Payload {
    pub(super) fn encode(&self, text: &mut String) {
        let mut bytes = [0; LEN];
        let (content, mac) = bytes.split_at_mut(size_of::<Content>());
        content.copy_from_slice(&self.content.0);
        mac.copy_from_slice(&self.mac);
        // Into a buffer that fits: `encode_string` fills a kilobyte with zeros first.
        let mut encoded = [0; TEXT_LEN];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut encoded).expect("the text fits");
        text.push_str(str::from_utf8(&encoded[..written]).expect("base64 is ASCII"));
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; LEN];
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(LEN) {
            return None;
        }
        let (content, mac) = bytes.split_first_chunk()?;
        Some(Self { content: Content(*content), mac: *mac.first_chunk()? })
    }
}

impl Content {
    pub(super) fn new(expiry_millis: u64, id: TokenId, binding: KeyedDigest) -> Self {
        let mut bytes = [0; size_of::<Self>()];
        bytes[..EXPIRY_LEN].copy_from_slice(&expiry_millis.to_be_bytes()[8 - EXPIRY_LEN..]);
        let (id_bytes, binding_bytes) = bytes[EXPIRY_LEN..].split_at_mut(TokenId::LEN);
        id_bytes.copy_from_slice(&id.0);
        binding_bytes.copy_from_slice(&binding);
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; size_of::<Self>()] {
        &self.0
    }

    pub(super) fn expiry_millis(&self) -> u64 {
        let mut expiry = [0; 8];
        expiry[8 - EXPIRY_LEN..].copy_from_slice(&self.0[..EXPIRY_LEN]);
        u64::from_be_bytes(expiry)
    }

    pub(super) fn id(&self) -> TokenId {
        let mut id = [0; TokenId::LEN];
        id.copy_from_slice(&self.0[EXPIRY_LEN..][..TokenId::LEN]);
        TokenId(id)
    }

    pub(super) fn binding(&self) -> KeyedDigest {
        let mut binding = KeyedDigest::default();
        binding.copy_from_slice(&self.0[EXPIRY_LEN + TokenId::LEN..]);
        binding
    }
}
