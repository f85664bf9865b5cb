use std::{env, process::Command};

const TIMES: u64 = 500;

/// Instructions of one request.
pub fn instructions(scenario: &str) -> u64 {
    let of = |times| {
        figure(
            &["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*_counted*"],
            scenario,
            times,
            "Collected : ",
        )
    };
    (of(2 * TIMES) - of(TIMES)) / TIMES
}

/// Allocations of one request.
#[allow(dead_code)]
pub fn allocations(scenario: &str) -> u64 {
    let of = |times| figure(&["--tool=dhat", "--dhat-out-file=/dev/null"], scenario, times, " bytes in ");
    (of(2 * TIMES) - of(TIMES)) / TIMES
}

fn figure(tool: &[&str], scenario: &str, times: u64, after: &str) -> u64 {
    let exe = env::current_exe().expect("this program");
    let output = Command::new("valgrind")
        .args(tool)
        .arg(exe)
        .args(["run", scenario, &times.to_string()])
        .env("LD_BIND_NOW", "1")
        .output()
        .expect("valgrind");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let (_, rest) = report.split_once(after).unwrap_or_else(|| panic!("{report}"));
    let digits: String =
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}
