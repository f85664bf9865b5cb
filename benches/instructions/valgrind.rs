//! What valgrind counts of one request: the figure for twice as many, less that for once as many.

use std::{env, process::Command, thread};

use crate::scenario::DROPPED;

const TIMES: u64 = 200;

/// Instructions and allocations of one request.
pub(crate) fn count(scenario: &str) -> (u64, u64) {
    thread::scope(|scope| {
        let instructions = scope.spawn(|| instructions(scenario));
        let allocations = allocations(scenario) - allocations(DROPPED);
        (instructions.join().expect("the instructions were counted"), allocations)
    })
}

fn instructions(scenario: &str) -> u64 {
    let callgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_*"];
    per_request(scenario, &callgrind, "Collected : ")
}

fn allocations(scenario: &str) -> u64 {
    per_request(scenario, &["--tool=dhat", "--dhat-out-file=/dev/null"], " bytes in ")
}

fn per_request(scenario: &str, tool: &[&str], label: &str) -> u64 {
    let figure = |times: u64| {
        let output = Command::new("valgrind")
            .args(tool)
            .arg(env::current_exe().expect("this program has a path"))
            .args(["run", scenario, &times.to_string()])
            // Or the first call of every function of a library would look it up.
            .env("LD_BIND_NOW", "1")
            .output()
            .expect("valgrind is installed");
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{scenario}: {report}");
        let (_, figure) = report.split_once(label).unwrap_or_else(|| panic!("there is no {label:?} in {report}"));
        let digits = figure.split_whitespace().next().expect("a figure").replace(',', "");
        digits.parse::<u64>().expect("a number")
    };
    (figure(2 * TIMES) - figure(TIMES)) / TIMES
}
