//! Counts the instructions of an operation under valgrind: the figure for 2 × `TIMES` runs minus that for `TIMES`, which
//! leaves out the start of the process.

use std::{env, process::Command};

/// Some blocks of random ids, which a thread gets from the operating system.
const TIMES: u64 = 320;

pub(crate) fn count(name: &str) -> u64 {
    let figure = |times: u64| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().expect("the path of this program"))
            .args(["run", name, &times.to_string()])
            .output()
            .expect("this bench needs valgrind: install Debian's package valgrind");
        let report = String::from_utf8_lossy(&output.stderr);
        let figure = report.split_once("Collected : ").and_then(|(_, rest)| rest.split_whitespace().next());
        figure.and_then(|digits| digits.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name}: {report}"))
    };
    (figure(2 * TIMES) - figure(TIMES)) / TIMES
}
