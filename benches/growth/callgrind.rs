//! Counting instructions: all scenarios run in one process under valgrind's callgrind, which counts inside of
//! [`counted_answer`] and its like and writes a part after each [`scenario_is_over`].

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
};

use crate::scenario::Scenario;

/// How often a scenario is run. Its first time comes before and is not counted.
const TIMES: u32 = 8;

/// Runs every scenario, under valgrind.
pub(crate) fn run(scenarios: Vec<Scenario>) {
    for scenario in scenarios {
        (scenario.run)(TIMES);
        scenario_is_over();
    }
}

/// The instructions of each of `scenarios`, which a process of this program runs in the same order.
pub(crate) fn count(scenarios: &[Scenario]) -> Vec<u64> {
    let parts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("growth");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_*", "--dump-after=*scenario_is_over*"])
        .arg(format!("--callgrind-out-file={}", parts.display()))
        .arg(env::current_exe().expect("this program has a path"))
        .arg("run")
        // Or the first call of every function of a library would look it up.
        .env("LD_BIND_NOW", "1")
        .output()
        .expect("this bench needs valgrind, which Debian has as the package valgrind");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counts = (1..=scenarios.len()).map(|part| instructions(parts.with_extension(part.to_string()))).collect();
    fs::remove_file(parts).expect("the last part was written");
    counts
}

fn instructions(part: PathBuf) -> u64 {
    let text = fs::read_to_string(&part).expect("each scenario has a part");
    fs::remove_file(part).expect("the part is ours");
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a part has a total");
    total.parse::<u64>().expect("a number") / u64::from(TIMES)
}

#[inline(never)]
fn scenario_is_over() {
    black_box(());
}
