//! Times the operations in turn. A slice of one operation is much shorter than the scheduler's, so nearly every slice
//! has the core to itself, and the medians are those of such slices: times of the core, on a busy machine too.

use std::time::Instant;

use crate::scenario::{NAMES, Scenario};

/// The number of rounds. Every second one is in reverse order.
const ROUNDS: usize = 2000;

/// How often a slice runs its operation.
const TIMES: u16 = 400;

pub(crate) struct Time {
    /// The median of the rounds.
    pub(crate) nanos: f64,
    /// The median of the rounds' ratios to the first operation.
    pub(crate) ratio: f64,
}

/// Returns the time of each of `NAMES`.
pub(crate) fn measure(scenario: &Scenario) -> [Time; NAMES.len()] {
    let rounds: Vec<[f64; NAMES.len()]> = (0..ROUNDS).map(|number| round(scenario, number % 2 == 1)).collect();
    std::array::from_fn(|at| Time {
        nanos: median(rounds.iter().map(|nanos| nanos[at])),
        ratio: median(rounds.iter().map(|nanos| nanos[at] / nanos[0])),
    })
}

fn round(scenario: &Scenario, reversed: bool) -> [f64; NAMES.len()] {
    let mut nanos = [0.0; NAMES.len()];
    for turn in 0..NAMES.len() {
        let at = if reversed { NAMES.len() - 1 - turn } else { turn };
        let start = Instant::now();
        scenario.run(NAMES[at], TIMES.into());
        nanos[at] = start.elapsed().as_nanos() as f64 / f64::from(TIMES);
    }
    nanos
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    let middle = figures.len() / 2;
    *figures.select_nth_unstable_by(middle, f64::total_cmp).1
}
