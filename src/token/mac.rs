use hmac::{Hmac, KeyInit, Mac, block_api::HmacCore, digest::Update};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{
    Key, TokenId,
    hashing::{Hashing, update_part},
    keyed_digest::{KeyedDigest, TagKey},
    payload::Content,
};

/// HMAC-SHA-256, truncated to 128 bits.
pub(super) type TokenMac = [u8; 16];

/// The keys for the tokens of one context.
pub(super) struct ContextKey {
    mac: HmacCore<Sha256>,
    bindings: TagKey,
    subjects: TagKey,
}

impl ContextKey {
    /// Derives the keys from `key` for this context only.
    pub(super) fn derive(key: &Key, context: &[&[u8]]) -> Self {
        let derive = |purpose: &[u8]| -> [u8; 32] {
            let mut mac = key.mac();
            update_part(&mut mac, purpose);
            context.iter().for_each(|part| update_part(&mut mac, part));
            mac.finalize().into_bytes().into()
        };
        // HMAC fills up a key that is shorter than a block of the hash with zeros.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(&derive(b"tower-verify token"));
        Self {
            mac: HmacCore::new(&block),
            bindings: TagKey::new(&derive(b"tower-verify binding")),
            subjects: TagKey::new(&derive(b"tower-verify pseudonym")),
        }
    }

    /// The MAC of a token.
    pub(super) fn mac(&self, content: &Content, subject: &[u8]) -> TokenMac {
        let mut mac = Hashing::new(self.mac.clone());
        mac.update(content.as_bytes());
        mac.update(subject);
        mac.end()
    }

    /// The digest of a binding, in the token with this id. It is zero for no binding.
    pub(super) fn binding_digest(&self, id: TokenId, binding: &[&[u8]]) -> KeyedDigest {
        if binding.is_empty() {
            return KeyedDigest::default();
        }
        let mut digest = self.bindings.begin();
        digest.update(&id.0);
        binding.iter().for_each(|part| digest.part(part));
        digest.end()
    }

    pub(super) fn pseudonym(&self, subject: &[u8]) -> KeyedDigest {
        let mut digest = self.subjects.begin();
        digest.part(subject);
        digest.end()
    }
}

/// Whether two codes are equal, in constant time.
pub(super) fn equal(one: [u8; 16], other: [u8; 16]) -> bool {
    // As numbers, because `subtle` compares slices byte by byte.
    u128::from_ne_bytes(one).ct_eq(&u128::from_ne_bytes(other)).into()
}
