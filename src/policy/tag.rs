use sha2::{Digest, Sha256};

use crate::token::update_part;

/// A keyed digest, used as a key in a store or a cache. Its input cannot be found without the key.
pub(super) type KeyedDigest = [u8; 16];

/// Makes tags under a key: digests for the keys of policies, at half the cost of an HMAC.
///
/// A tag is SHA-256 over a block with the key and then the parts, cut to half of its length. As nobody sees the other
/// half, nobody can go on from the tag of some parts to that of more parts. This is AMAC: see Bellare, Bernstein and
/// Tessaro, "Hash-Function based PRFs: AMAC and its Multi-User Security", 2016.
#[derive(Clone)]
pub(super) struct TagKey {
    /// Has hashed the block with the key.
    hash: Sha256,
}

impl TagKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { hash: Sha256::new().chain_update(key).chain_update([0; 32]) }
    }

    pub(super) fn begin(&self) -> Tagger {
        Tagger { hash: self.hash.clone() }
    }
}

/// Computes a tag part by part.
pub(super) struct Tagger {
    hash: Sha256,
}

impl Tagger {
    /// Adds a part. Different lists of parts have different tags.
    pub(super) fn part(&mut self, part: &[u8]) {
        update_part(&mut self.hash, part);
    }

    pub(super) fn end(self) -> KeyedDigest {
        let mut tag = KeyedDigest::default();
        tag.copy_from_slice(&self.hash.finalize()[..16]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: u8, parts: &[&str]) -> KeyedDigest {
        let mut tag = TagKey::new(&[key; 32]).begin();
        parts.iter().for_each(|part| tag.part(part.as_bytes()));
        tag.end()
    }

    #[test]
    fn different_lists_of_parts_have_different_tags() {
        let lists: [&[&str]; 7] = [&[], &[""], &["", ""], &["ab"], &["a", "b"], &["ab", ""], &["", "ab"]];
        for (number, list) in lists.iter().enumerate() {
            assert_eq!(tag(1, list), tag(1, list));
            assert_ne!(tag(1, list), tag(2, list));
            for other in &lists[..number] {
                assert_ne!(tag(1, list), tag(1, other), "{list:?} {other:?}");
            }
        }
    }

    /// The nodes that share a throttle must agree. These tags were computed with Python's `hashlib`.
    #[test]
    fn tags_stay_the_same() {
        let hex = |tag: KeyedDigest| tag.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(tag(7, &["principal", "ann"])), "8cd3074781b8b6f2c171b263a137305b");
        assert_eq!(hex(tag(7, &[&"a".repeat(300)])), "97f2b4004c85399ef1a21689b189072c");
    }
}
