use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::token::update_part;

/// A keyed digest, used as a key in a store or a cache. Its input cannot be found without the key.
pub(crate) type KeyedDigest = [u8; 16];

/// Makes digests under a key.
#[derive(Clone)]
pub(crate) struct DigestKey {
    mac: Hmac<Sha256>,
}

impl DigestKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { mac: Hmac::new_from_slice(key).expect("an HMAC takes a key of any length") }
    }

    pub(crate) fn begin(&self) -> Digester {
        Digester { mac: self.mac.clone() }
    }
}

/// Computes a digest part by part.
pub(crate) struct Digester {
    mac: Hmac<Sha256>,
}

impl Digester {
    /// Adds a part. Different lists of parts have different digests.
    pub(crate) fn part(&mut self, part: &[u8]) {
        update_part(&mut self.mac, part);
    }

    pub(crate) fn end(self) -> KeyedDigest {
        let mut digest = KeyedDigest::default();
        digest.copy_from_slice(&self.mac.finalize().into_bytes()[..16]);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: u8, parts: &[&str]) -> KeyedDigest {
        let mut tag = DigestKey::new(&[key; 32]).begin();
        for part in parts {
            tag.part(part.as_bytes());
        }
        tag.end()
    }

    #[test]
    fn different_lists_of_parts_have_different_digests() {
        let lists: [&[&str]; 7] = [&[], &[""], &["", ""], &["ab"], &["a", "b"], &["ab", ""], &["", "ab"]];
        for (number, list) in lists.iter().enumerate() {
            assert_eq!(tag(1, list), tag(1, list));
            assert_ne!(tag(1, list), tag(2, list));
            for other in &lists[..number] {
                assert_ne!(tag(1, list), tag(1, other), "{list:?} {other:?}");
            }
        }
    }
}
