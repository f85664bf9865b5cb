use hmac::digest::{
    Output, Update,
    block_api::{Buffer, BufferKindUser, FixedOutputCore, UpdateCore},
    block_buffer::Eager,
};

/// A SHA-256 or an HMAC-SHA-256 that is being computed.
///
/// `Sha256` and `Hmac<Sha256>` have the same core and buffer, but their ends take them by value. Moving a buffer right
/// after small writes makes the processor wait: for a short message, that takes a quarter of the time.
#[derive(Clone)]
pub(crate) struct Hashing<C: BufferKindUser> {
    core: C,
    buffer: Buffer<C>,
}

impl<C: BufferKindUser<BufferKind = Eager> + UpdateCore + FixedOutputCore> Hashing<C> {
    /// Goes on from `core`, in which the key is set up.
    pub(super) fn new(core: C) -> Self {
        Self { core, buffer: Buffer::<C>::default() }
    }

    /// Adds a part. Different lists of parts give different results.
    pub(crate) fn part(&mut self, part: &[u8]) {
        update_part(self, part);
    }

    /// The first 128 bits. Nothing can be added afterwards.
    pub(crate) fn end(&mut self) -> [u8; 16] {
        let mut output = Output::<C>::default();
        self.core.finalize_fixed_core(&mut self.buffer, &mut output);
        let mut truncated = [0; 16];
        truncated.copy_from_slice(&output[..16]);
        truncated
    }
}

impl<C: BufferKindUser<BufferKind = Eager> + UpdateCore> Update for Hashing<C> {
    fn update(&mut self, data: &[u8]) {
        self.buffer.digest_blocks(data, |blocks| self.core.update_blocks(blocks));
    }
}

/// Adds a part after its length, so that no two lists of parts give the same bytes.
pub(crate) fn update_part(hash: &mut impl Update, part: &[u8]) {
    // Seven bits in each byte, with the high bit set in all but the last: most lengths take one byte.
    let mut len = part.len();
    while len >= 0x80 {
        hash.update(&[len as u8 | 0x80]);
        len >>= 7;
    }
    hash.update(&[len as u8]);
    hash.update(part);
}
