use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// How many writes there are between two sweeps. A sweep deletes more than so many rows, so that they do not pile up.
const WRITES: u64 = 50;

/// Says when to sweep.
#[derive(Default)]
pub(super) struct Sweep {
    writes: AtomicU64,
    sweeping: Arc<AtomicBool>,
}

/// A sweep under way, until it is dropped.
pub(super) struct Turn(Arc<AtomicBool>);

impl Sweep {
    /// A turn to sweep after this write, if it is time and nobody on this node is at it.
    pub(super) fn turn(&self) -> Option<Turn> {
        let due = self.writes.fetch_add(1, Relaxed) % WRITES == WRITES - 1;
        (due && !self.sweeping.swap(true, Relaxed)).then(|| Turn(Arc::clone(&self.sweeping)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sweep_at_a_time_after_so_many_writes() {
        let sweep = Sweep::default();
        let turns: Vec<_> = (0..4 * WRITES).filter_map(|_| sweep.turn()).collect();
        assert_eq!(turns.len(), 1);
        drop(turns);
        assert_eq!((0..WRITES).filter_map(|_| sweep.turn()).count(), 1);
    }
}
