//! Draws the panels of `dashboard.json` from the data of a Prometheus, for the picture in `README.md`. Fails if one has
//! no data.
//!
//! `.ci/operate` runs it: `operate PROMETHEUS_URL FAULTS SVG`. The file `FAULTS` has a line for each phase of the run.
//! A line has four columns, separated by tabs: the start and the end in seconds since the Unix epoch, the planted
//! fault, and the alerts that fired.

mod chart;
mod dashboard;
mod picture;
mod prometheus;

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use dashboard::Dashboard;
use picture::Drawn;
use prometheus::Prometheus;

type BoxError = Box<dyn Error + Send + Sync>;

/// A phase of the run. In most phases something is broken on purpose.
pub(crate) struct Fault {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) planted: String,
    pub(crate) alerts: String,
}

impl Fault {
    /// Whether an alert was expected.
    pub(crate) fn is_planted(&self) -> bool {
        !self.alerts.is_empty()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, faults, svg] = arguments.as_slice() else {
        return Err("usage: operate PROMETHEUS_URL FAULTS SVG".into());
    };
    let faults = read_faults(faults)?;
    let (Some(start), Some(end)) = (faults.first().map(|fault| fault.start), faults.last().map(|fault| fault.end))
    else {
        return Err("the file of faults is empty: write a line for each phase".into());
    };
    let dashboard = Dashboard::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/operate/dashboard.json"))?;
    let prometheus = Prometheus::new(url, start, end);

    let (mut drawn, mut faulty) = (Vec::new(), Vec::new());
    for panel in dashboard.panels {
        let mut lines = Vec::new();
        for target in &panel.targets {
            match prometheus.lines(target).await {
                Ok(found) if found.is_empty() => faulty.push(format!("{:?} has no data: {}", panel.title, target.expr)),
                Ok(found) => lines.extend(found),
                Err(error) => faulty.push(format!("{:?}: {error}: {}", panel.title, target.expr)),
            }
        }
        drawn.push(Drawn { panel, lines });
    }
    if !faulty.is_empty() {
        return Err(faulty.join("\nerror: ").into());
    }
    println!(
        "the dashboard: {} expressions, each with data",
        drawn.iter().map(|drawn| drawn.panel.targets.len()).sum::<usize>()
    );
    picture::draw(Path::new(svg), &dashboard.title, &drawn, &faults)
}

fn read_faults(path: &str) -> Result<Vec<Fault>, BoxError> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let faults = text.lines().map(|line| match line.split('\t').collect::<Vec<_>>().as_slice() {
        [start, end, planted, alerts] => Ok(Fault {
            start: start.parse()?,
            end: end.parse()?,
            planted: (*planted).to_owned(),
            alerts: (*alerts).to_owned(),
        }),
        _ => Err(format!("{path}: write four columns, separated by tabs, instead of {line:?}").into()),
    });
    faults.collect()
}
