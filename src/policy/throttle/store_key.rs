use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::token::KeyedDigest;

const PREFIX_LEN: usize = 18;

/// The most hexadecimal digits of a bucket's number.
const DIGITS: usize = 16;

/// The first part of the keys of a throttle: `throttle:`, eight characters that depend on the throttle's key, and `:`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Prefix([u8; PREFIX_LEN]);

impl Prefix {
    pub(super) fn new(name: &KeyedDigest) -> Self {
        let text = format!("throttle:{}:", URL_SAFE_NO_PAD.encode(&name[..6]));
        Self(text.as_bytes().try_into().expect("six bytes are eight characters"))
    }
}

/// The key of a bucket in the store: the prefix, and the bucket's number in hexadecimal digits. It needs no allocation.
pub(super) struct StoreKey {
    text: [u8; PREFIX_LEN + DIGITS],
    len: usize,
}

impl StoreKey {
    pub(super) fn new(prefix: &Prefix, bucket: u64) -> Self {
        let mut text = [0; PREFIX_LEN + DIGITS];
        text[..PREFIX_LEN].copy_from_slice(&prefix.0);
        let digits = (bucket.max(1).ilog2() / 4 + 1) as usize;
        let mut rest = bucket;
        for digit in text[PREFIX_LEN..][..digits].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest % 16) as usize];
            rest /= 16;
        }
        Self { text, len: PREFIX_LEN + digits }
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.len]).expect("the key is ASCII")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_the_prefix_and_the_number_of_the_bucket() {
        let prefix = Prefix::new(&[255; 16]);
        for (bucket, key) in [
            (0, "throttle:________:0"),
            (0xf, "throttle:________:f"),
            (0x10, "throttle:________:10"),
            (u64::MAX, "throttle:________:ffffffffffffffff"),
        ] {
            assert_eq!(StoreKey::new(&prefix, bucket).as_str(), key);
        }
    }

    proptest! {
        #[test]
        fn the_number_is_written_as_by_format(bucket: u64, shift in 0..64) {
            let bucket = bucket >> shift;
            let key = StoreKey::new(&Prefix::new(&[7; 16]), bucket);
            prop_assert_eq!(&key.as_str()[PREFIX_LEN..], format!("{bucket:x}"));
        }
    }
}
