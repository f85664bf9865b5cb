use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Key, TokenId, payload::EXPIRY_LEN};

/// An authentication code, truncated to 128 bits.
pub(super) type Tag = [u8; 16];

/// The expiry and the id of a token, with which the messages of both codes begin.
pub(super) type Claims = [u8; EXPIRY_LEN + TokenId::LEN];

/// A key for the tokens of one context. The first byte of a message tells the kinds of codes apart.
pub(super) struct ContextKey(Hmac<Sha256>);

impl ContextKey {
    /// Derives a key from `key` for this context only.
    pub(super) fn derive(key: &Key, context: &[&[u8]]) -> Self {
        let mut mac = key.mac();
        context.iter().for_each(|part| update_part(&mut mac, part));
        // HMAC fills up a key that is shorter than a block of the hash with zeros.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(&mac.finalize().into_bytes());
        Self(Hmac::new(&block))
    }

    /// The first code of a token: over the claims, the second code and the subject.
    pub(super) fn of_token(&self, claims: &Claims, binding_tag: &Tag, subject: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&[1]);
        mac.update(claims);
        mac.update(binding_tag);
        mac.update(subject);
        mac
    }

    /// The second code of a token: over the claims, the subject and the binding.
    pub(super) fn of_binding(&self, claims: &Claims, subject: &[u8], binding: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&[2]);
        mac.update(claims);
        update_part(&mut mac, subject);
        binding.iter().for_each(|part| update_part(&mut mac, part));
        mac
    }

    /// The code over a subject alone, which is its pseudonym.
    pub(super) fn of_subject(&self, subject: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&[3]);
        mac.update(subject);
        mac
    }
}

pub(super) fn truncated(mac: Hmac<Sha256>) -> Tag {
    let mut tag = Tag::default();
    tag.copy_from_slice(&mac.finalize().into_bytes()[..size_of::<Tag>()]);
    tag
}

/// Adds a part after its length, so that no two lists of parts give the same bytes.
pub(crate) fn update_part(hash: &mut impl hmac::digest::Update, part: &[u8]) {
    // Seven bits in each byte, with the high bit set in all but the last: most lengths take one byte.
    let mut len = part.len();
    while len >= 0x80 {
        hash.update(&[len as u8 | 0x80]);
        len >>= 7;
    }
    hash.update(&[len as u8]);
    hash.update(part);
}
