use hmac::digest::block_api::{CoreProxy, UpdateCore};
use sha2::Sha256;

use super::hashing::Hashing;

/// A digest under a key, of 128 bits. Its input cannot be found without the key.
pub(crate) type KeyedDigest = [u8; 16];

/// Computes a keyed digest part by part.
pub(crate) type Tagger = Hashing<Core>;

type Core = <Sha256 as CoreProxy>::Core;

/// The key of digests, each at half the cost of an HMAC.
///
/// A digest is SHA-256 over a block with the key and then the parts, cut to half of its length. As nobody sees the other
/// half, nobody can go on from the digest of some parts to that of more parts. This is AMAC: see Bellare, Bernstein and
/// Tessaro, "Hash-Function based PRFs: AMAC and its Multi-User Security", 2016.
#[derive(Clone)]
pub(crate) struct TagKey {
    /// Has hashed the block with the key.
    hash: Core,
}

impl TagKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let (mut hash, mut block) = (Core::default(), [0; 64]);
        block[..32].copy_from_slice(key);
        hash.update_blocks(&[block.into()]);
        Self { hash }
    }

    pub(crate) fn begin(&self) -> Tagger {
        Tagger::new(self.hash.clone())
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
