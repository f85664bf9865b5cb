//! Plays a platform against a server in any language, and says what the server must change.
//!
//! ```console
//! $ cargo run --example conformance --features conformance -- talkdesk http://127.0.0.1:3000 --field username=demo@example.com --field password=605b32dd
//! ```
//!
//! `--help` has such a line for each platform, and the options. The exit code is 0 if no check failed, 1 if one did, and 2
//! if the command or the server's address is wrong. The axum example is a server that passes; `.ci/conformance` runs
//! every check against it.

mod client;
mod options;
mod platforms;
mod progress;

use std::{fs, process::ExitCode};

use tower_verify::{BoxError, conformance::Report};

use options::Options;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(Some(report)) if report.failed().next().is_some() => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n`--help` shows the options.");
            ExitCode::from(2)
        }
    }
}

/// Runs the suite and writes the reports. There is none for `--help`.
async fn run() -> Result<Option<Report>, BoxError> {
    let Some(options) = Options::parse(std::env::args_os().skip(1))? else {
        println!("{}", options::HELP);
        return Ok(None);
    };
    let Options { platform, base_url, only, json, junit, given } = options;
    let mut suite = platforms::suite(&platform, given)?.base_url(&base_url);
    if !only.is_empty() {
        suite = suite.only(&only);
    }
    if suite.is_empty() {
        return Err("no check has the row or the name of `--only`".into());
    }
    client::assert_reachable(&base_url).await?;
    let mut progress = progress::Progress::new(suite.len());
    let report = suite.run_with(client::client()?, |report| progress.show(report)).await;
    progress.end();
    println!("{report}");
    if let Some(file) = json {
        fs::write(&file, format!("{:#}\n", report.to_json())).map_err(|error| format!("--json {file}: {error}"))?;
    }
    if let Some(file) = junit {
        fs::write(&file, report.to_junit()).map_err(|error| format!("--junit {file}: {error}"))?;
    }
    Ok(Some(report))
}
