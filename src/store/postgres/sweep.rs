use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// The number of writes between two sweeps. A sweep can delete more rows than that, so expired rows do not pile up.
const WRITES: u64 = 50;

/// Decides when to sweep.
#[derive(Default)]
pub(super) struct Sweep {
    writes: AtomicU64,
    sweeping: Arc<AtomicBool>,
}

/// Marks a sweep as running until it is dropped.
pub(super) struct Turn(Arc<AtomicBool>);

impl Sweep {
    /// Counts a write. Returns a turn if a sweep is due and none is running on this node.
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
    fn after_every_50_writes_one_sweep_runs_at_a_time() {
        let sweep = Sweep::default();
        let turns: Vec<_> = (0..4 * WRITES).filter_map(|_| sweep.turn()).collect();
        assert_eq!(turns.len(), 1);
        drop(turns);
        assert_eq!((0..WRITES).filter_map(|_| sweep.turn()).count(), 1);
    }
}
