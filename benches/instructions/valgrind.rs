//! Counts one request under valgrind: the figure for 2 × `TIMES` requests minus that for `TIMES`, divided by `TIMES`.

use std::{env, process::Command, thread};

use crate::scenario::DROPPED;

const TIMES: u64 = 200;

/// Returns the instructions and the allocations of one request.
pub(crate) fn count(scenario: &str) -> (u64, u64) {
    thread::scope(|scope| {
        let instructions = scope.spawn(|| instructions(scenario));
        let allocations = allocations(scenario) - allocations(DROPPED);
        (instructions.join().expect("the instructions cannot be counted"), allocations)
    })
}

/// Returns the instructions alone.
pub(crate) fn instructions(scenario: &str) -> u64 {
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
            .arg(env::current_exe().expect("the path of this program"))
            .args(["run", scenario, &times.to_string()])
            // Otherwise, the first call of each library function would include the search for its symbol.
            .env("LD_BIND_NOW", "1")
            .output()
            .expect("this bench needs valgrind: install Debian's package valgrind");
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{scenario}: {report}");
        let (_, figure) = report.split_once(label).unwrap_or_else(|| panic!("valgrind reports no {label:?}: {report}"));
        let digits = figure.split_whitespace().next().expect("a figure").replace(',', "");
        digits.parse::<u64>().expect("a number")
    };
    (figure(2 * TIMES) - figure(TIMES)) / TIMES
}
