//! Search for a byte of a small set, eight bytes at a time.

use std::ops::BitOr;

/// A byte with the value 1, eight times.
const ONES: u64 = u64::MAX / 255;

/// Eight bytes of a text.
#[derive(Clone, Copy)]
pub(super) struct Eight(u64);

/// Marks the bytes of [`Eight`] that were found. Only the first mark counts: a carry can mark the bytes after it.
pub(super) struct Marks(u64);

impl Eight {
    /// Marks the bytes that are `byte`, an ASCII character.
    #[inline(always)]
    pub(super) fn equal(self, byte: u8) -> Marks {
        self.xor(byte).below(1)
    }

    /// Marks the bytes that are below `bound`, which is at most 128.
    #[inline(always)]
    pub(super) fn below(self, bound: u8) -> Marks {
        Marks(self.0.wrapping_sub(ONES * u64::from(bound)))
    }

    /// Each byte, xor `byte`, an ASCII character.
    #[inline(always)]
    pub(super) fn xor(self, byte: u8) -> Self {
        Self(self.0 ^ (ONES * u64::from(byte)))
    }
}

impl BitOr for Marks {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The index of the first ASCII character of `bytes`, from `start` on, that `mark` marks, or the number of bytes.
///
/// It is Mycroft's search for a zero byte, which borrows from the highest bit of a byte that is below the bound.
#[inline(always)]
pub(super) fn first(bytes: &[u8], start: usize, mark: impl Fn(Eight) -> Marks) -> usize {
    let mut rest = &bytes[start..];
    while let Some((&eight, after)) = rest.split_first_chunk() {
        if let Some(index) = first_of_eight(u64::from_le_bytes(eight), &mark) {
            return bytes.len() - rest.len() + index;
        }
        rest = after;
    }
    last(bytes, rest, mark)
}

/// Searches the last bytes of a text, which are less than eight. Out of line: it would cost each search registers.
#[cold]
#[inline(never)]
fn last(bytes: &[u8], rest: &[u8], mark: impl Fn(Eight) -> Marks) -> usize {
    let eight = match bytes.last_chunk() {
        // As the end of the last eight bytes of all, they need no copy.
        Some(&eight) => u64::from_le_bytes(eight).unbounded_shr(64 - 8 * rest.len() as u32),
        None => rest.iter().rev().fold(0, |eight, &byte| eight << 8 | u64::from(byte)),
    };
    let index = first_of_eight(eight, mark).unwrap_or(8);
    bytes.len() - rest.len() + index.min(rest.len())
}

#[inline(always)]
fn first_of_eight(eight: u64, mark: impl Fn(Eight) -> Marks) -> Option<usize> {
    let found = mark(Eight(eight)).0 & !eight & (ONES << 7);
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_byte_of_a_set_is_found(bytes in proptest::collection::vec(any::<u8>(), 0..40), bound in 0..=128u8) {
            let in_set = |&byte: &u8| byte < bound || byte == b'\\' || byte == b'"' || byte < b' ';
            for start in 0..=bytes.len() {
                let mark = |eight: Eight| eight.below(bound) | eight.equal(b'\\') | eight.xor(2).below(0x21);
                let position = bytes[start..].iter().position(in_set).map_or(bytes.len(), |index| start + index);
                prop_assert_eq!(first(&bytes, start, mark), position);
            }
        }
    }
}
