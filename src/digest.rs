use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

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

/// Makes tags under a key: digests for the keys of policies, at half the cost of an HMAC.
///
/// A tag is SHA-256 over a block with the key and then the parts, cut to half of its length. As nobody sees the other
/// half, nobody can go on from the tag of some parts to that of more parts. This is AMAC: see Bellare, Bernstein and
/// Tessaro, "Hash-Function based PRFs: AMAC and its Multi-User Security", 2016.
#[cfg(feature = "policy")]
#[derive(Clone)]
pub(crate) struct TagKey {
    /// Has hashed the block with the key.
    hash: Sha256,
}

#[cfg(feature = "policy")]
impl TagKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { hash: Sha256::new().chain_update(key).chain_update([0; 32]) }
    }

    pub(crate) fn begin(&self) -> Tagger {
        Tagger { hash: self.hash.clone() }
    }
}

/// Computes a tag part by part.
#[cfg(feature = "policy")]
pub(crate) struct Tagger {
    hash: Sha256,
}

#[cfg(feature = "policy")]
impl Tagger {
    /// Adds a part. Different lists of parts have different tags.
    pub(crate) fn part(&mut self, part: &[u8]) {
        // The length is in front, as in `update_part`.
        let mut len = part.len();
        while len >= 0x80 {
            self.hash.update([len as u8 | 0x80]);
            len >>= 7;
        }
        self.hash.update([len as u8]);
        self.hash.update(part);
    }

    pub(crate) fn end(self) -> KeyedDigest {
        let mut tag = KeyedDigest::default();
        tag.copy_from_slice(&self.hash.finalize()[..16]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: [&[&str]; 7] = [&[], &[""], &["", ""], &["ab"], &["a", "b"], &["ab", ""], &["", "ab"]];

    /// Asserts that `digest` depends on its key and on the list of its parts.
    fn assert_differ(digest: impl Fn(u8, &[&str]) -> KeyedDigest) {
        for (number, list) in LISTS.iter().enumerate() {
            assert_eq!(digest(1, list), digest(1, list));
            assert_ne!(digest(1, list), digest(2, list));
            for other in &LISTS[..number] {
                assert_ne!(digest(1, list), digest(1, other), "{list:?} {other:?}");
            }
        }
    }

    #[test]
    fn different_lists_of_parts_have_different_digests() {
        assert_differ(|key, parts| {
            let mut digest = DigestKey::new(&[key; 32]).begin();
            parts.iter().for_each(|part| digest.part(part.as_bytes()));
            digest.end()
        });
    }

    #[cfg(feature = "policy")]
    fn tag(key: u8, parts: &[&str]) -> KeyedDigest {
        let mut tag = TagKey::new(&[key; 32]).begin();
        parts.iter().for_each(|part| tag.part(part.as_bytes()));
        tag.end()
    }

    #[cfg(feature = "policy")]
    #[test]
    fn different_lists_of_parts_have_different_tags() {
        assert_differ(tag);
    }

    /// The nodes that share a throttle must agree. These tags were computed with Python's `hashlib`.
    #[cfg(feature = "policy")]
    #[test]
    fn tags_stay_the_same() {
        let hex = |tag: KeyedDigest| tag.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(tag(7, &["principal", "ann"])), "8cd3074781b8b6f2c171b263a137305b");
        assert_eq!(hex(tag(7, &[&"a".repeat(300)])), "97f2b4004c85399ef1a21689b189072c");
    }
}
