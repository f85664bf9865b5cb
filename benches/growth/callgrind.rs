//! Counts instructions. All scenarios run in one process under valgrind's callgrind, which counts inside of
//! [`counted_answer`] and other functions with such a name, and writes a part after each [`scenario_is_over`].

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
};

use crate::scenario::Scenario;

/// The number of counted runs of a scenario. One more run comes before them.
const TIMES: u32 = 8;

/// Runs every scenario. This is for the process under valgrind.
pub(crate) fn run(scenarios: Vec<Scenario>) {
    for scenario in scenarios {
        (scenario.run)(TIMES);
        scenario_is_over();
    }
}

/// Returns the instructions of each of `scenarios`, which another process of this program runs in the same order.
pub(crate) fn count(scenarios: &[Scenario]) -> Vec<u64> {
    let parts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("growth");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_*", "--dump-after=*scenario_is_over*"])
        .arg(format!("--callgrind-out-file={}", parts.display()))
        .arg(env::current_exe().expect("the path of this program"))
        .arg("run")
        // Otherwise, the first call of each library function would include the search for its symbol.
        .env("LD_BIND_NOW", "1")
        .output()
        .expect("this bench needs valgrind: install Debian's package valgrind");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counts = (1..=scenarios.len()).map(|part| instructions(parts.with_extension(part.to_string()))).collect();
    fs::remove_file(parts).expect("the last part cannot be removed");
    counts
}

fn instructions(part: PathBuf) -> u64 {
    let text = fs::read_to_string(&part).expect("a scenario's part cannot be read");
    fs::remove_file(part).expect("a scenario's part cannot be removed");
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a scenario's part has no total");
    total.parse::<u64>().expect("a number") / u64::from(TIMES)
}

#[inline(never)]
fn scenario_is_over() {
    black_box(());
}
