use std::sync::atomic::Ordering::Relaxed;

use super::sync::AtomicU64;

/// The overhead of an entry in bytes, besides its key and its value.
pub(super) const ENTRY_OVERHEAD: usize = 80;

/// Bytes are counted in units of this size: the allocator does not use smaller ones.
const UNIT: usize = 16;

/// A number of entries in the upper 32 bits, and their size in units in the lower 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Size(u64);

impl Size {
    pub(super) const NOTHING: Self = Self(0);

    /// The size of one entry with `len` bytes of key and value.
    pub(super) fn of(len: usize) -> Self {
        Self(1 << 32 | u64::from(units(len.saturating_add(ENTRY_OVERHEAD).saturating_add(UNIT - 1))))
    }

    fn entries(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn units(self) -> u32 {
        self.0 as u32
    }

    /// The sum, or `None` if it overflows.
    fn add(self, other: Self) -> Option<Self> {
        let units = self.units().checked_add(other.units())?;
        let entries = self.entries().checked_add(other.entries())?;
        Some(Self(u64::from(entries) << 32 | u64::from(units)))
    }
}

/// The number of whole units, at most `u32::MAX`.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes / UNIT).unwrap_or(u32::MAX)
}

/// The limits of a store, and how much of them is in use.
///
/// Entries and bytes are counted in one atomic, so that the threads of a store share no lock, and a write that one limit
/// refuses never takes room under the other limit, not even for a moment. The alignment gives the counter cache lines of
/// its own: every operation reads its neighbours, and would have to fetch them again after each write here.
#[repr(align(128))]
pub(super) struct Room {
    used: AtomicU64,
    max: Size,
}

impl Room {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        let mut room = Self { used: AtomicU64::new(0), max: Size::NOTHING };
        room.set_max_entries(max_entries);
        room.set_max_bytes(max_bytes);
        room
    }

    pub(super) fn set_max_entries(&mut self, max_entries: usize) {
        let entries = u32::try_from(max_entries).unwrap_or(u32::MAX);
        self.max = Size(u64::from(entries) << 32 | u64::from(self.max.units()));
    }

    pub(super) fn set_max_bytes(&mut self, max_bytes: usize) {
        self.max = Size(u64::from(self.max.entries()) << 32 | u64::from(units(max_bytes)));
    }

    pub(super) fn max_entries(&self) -> usize {
        self.max.entries() as usize
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max.units() as usize * UNIT
    }

    /// The number of entries, and their bytes.
    pub(super) fn used(&self) -> (usize, usize) {
        let used = Size(self.used.load(Relaxed));
        (used.entries() as usize, used.units() as usize * UNIT)
    }

    /// Counts an entry that changes from `old` to `new`. Returns `false` if there is no room.
    pub(super) fn resize(&self, old: Size, new: Size) -> bool {
        let resized = self.used.fetch_update(Relaxed, Relaxed, |used| {
            let then = Size(used - old.0).add(new)?;
            let fits = (new.entries() <= old.entries() || then.entries() <= self.max.entries())
                && (new.units() <= old.units() || then.units() <= self.max.units());
            fits.then_some(then.0)
        });
        resized.is_ok()
    }

    /// Counts an entry as removed.
    pub(super) fn free(&self, old: Size) {
        self.used.fetch_sub(old.0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stop_at_their_maximum() {
        let room = Room::new(usize::MAX, usize::MAX);
        assert_eq!((room.max_entries(), room.max_bytes()), (u32::MAX as usize, u32::MAX as usize * UNIT));
        let largest = Size::of(usize::MAX);
        assert!(room.resize(Size::NOTHING, largest));
        assert!(!room.resize(Size::NOTHING, Size::of(0)));
        assert_eq!(room.used(), (1, room.max_bytes()));
        assert!(room.resize(largest, Size::of(1)), "an entry that becomes smaller always has room");
        room.free(Size::of(1));
        assert_eq!(room.used(), (0, 0));
    }

    #[test]
    fn bytes_are_rounded_up() {
        for (len, bytes) in [(0, 80), (1, 96), (16, 96), (17, 112)] {
            let room = Room::new(1, bytes);
            assert!(room.resize(Size::NOTHING, Size::of(len)));
            assert_eq!(room.used(), (1, bytes));
            let less = Room::new(1, bytes - 1);
            assert!(!less.resize(Size::NOTHING, Size::of(len)), "{len}");
        }
    }
}
