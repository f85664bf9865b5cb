//! Loads a server with `wrk` for a second, and reads its report.

use std::{error::Error, fmt, process::Command};

use crate::support::{TOKEN, call, largest};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/end_to_end/check.lua");

#[derive(Clone, Copy)]
pub(crate) enum Workload {
    PassThrough,
    CustomerCheck,
    HostileCheck,
}

#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
}

impl Workload {
    /// Loads the server at `url` for a second. A status other than 2xx or 3xx is an error.
    pub(crate) fn run(self, url: &str) -> Result<Run, Box<dyn Error>> {
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--connections", "16", "--duration", "1s"]);
        match self {
            Self::PassThrough => wrk.arg(format!("{url}/")),
            Self::CustomerCheck => post(&mut wrk, url, &call::body(TOKEN)),
            Self::HostileCheck => post(&mut wrk, url, &largest::hostile("numbers")),
        };
        let output = wrk.output()?;
        let report = String::from_utf8(output.stdout)?;
        if !output.status.success() || report.contains("Non-2xx") || report.contains("Socket errors") {
            return Err(format!("{url}: {report}").into());
        }
        let (requests, _) = report.split_once(" requests in ").ok_or_else(|| format!("no requests in: {report}"))?;
        let requests = requests.split_whitespace().next_back().unwrap_or_default();
        Ok(Run { requests: requests.parse()?, per_second: field(&report, "Requests/sec:")?.parse()? })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PassThrough => "Pass-through, `GET /`",
            Self::CustomerCheck => "Diyalog's customer check, `POST /checkauthtoken`",
            Self::HostileCheck => {
                "The same with the most expensive body that the layer reads: an array of 8,000 numbers in 16 KiB"
            }
        })
    }
}

fn post<'c>(wrk: &'c mut Command, url: &str, body: &str) -> &'c mut Command {
    wrk.args(["--script", SCRIPT, &format!("{url}/checkauthtoken"), "--", body])
}

/// Fails if `wrk` is not installed.
pub(crate) fn require() -> Result<(), String> {
    match Command::new("wrk").arg("--version").output() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("this bench needs wrk: install Debian's package wrk ({error})")),
    }
}

/// Returns the text after `name` in wrk's report.
fn field<'r>(report: &'r str, name: &str) -> Result<&'r str, String> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix(name));
    line.map(str::trim).ok_or_else(|| format!("wrk reports no {name}: {report}"))
}
