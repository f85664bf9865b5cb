//! The servers. Each is a process of its own with one thread, which exits when its standard input is closed.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use tower::Layer;
use tower_verify::BoxError;

use crate::support::{
    expert, hand_written, layered,
    server::{hyper, serve_until_stdin_closes, validated},
};

/// What the servers are. All give the same answer to a check with the valid token.
pub(crate) const NAMES: [&str; 3] = ["a static answer", "an expert's handler", "the layer"];

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Server {
    pub(crate) fn start(name: &'static str) -> Result<Self, BoxError> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.args(["serve", name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().ok_or("no standard output")?).read_line(&mut address)?;
        let address = address
            .trim()
            .trim_start_matches("http://")
            .parse()
            .map_err(|error| format!("{name} did not start: {error}"))?;
        Ok(Self { name, address, process })
    }

    /// The resident memory of the process, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64, BoxError> {
        resident_bytes(&self.process.id().to_string())
    }

    pub(crate) fn core_time(&self) -> Result<CoreTime, BoxError> {
        CoreTime::of(&self.process.id().to_string())
    }
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process: &str) -> Result<u64, BoxError> {
    let pages = fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages: u64 = pages.split(' ').nth(1).ok_or("no second column")?.parse()?;
    Ok(pages * 4096)
}

/// How long a process's first thread had a core, and how long it waited for one, in seconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct CoreTime {
    pub(crate) had: f64,
    pub(crate) waited: f64,
}

impl CoreTime {
    pub(crate) fn of(process: &str) -> Result<Self, BoxError> {
        let nanos = fs::read_to_string(format!("/proc/{process}/schedstat"))?;
        let mut seconds = nanos.split_whitespace().map(|nanos| nanos.parse::<f64>().map(|nanos| nanos / 1e9));
        let mut next = || seconds.next().ok_or("a column is missing");
        Ok(Self { had: next()??, waited: next()?? })
    }

    /// Adds the time that has passed from `start` to `end`.
    pub(crate) fn add(&mut self, start: Self, end: Self) {
        self.had += end.had - start.had;
        self.waited += end.waited - start.waited;
    }
}

/// Serves until standard input is closed.
pub(crate) fn serve(name: &str) -> Result<(), Box<dyn Error>> {
    serve_until_stdin_closes(|listener| async {
        match name {
            "a static answer" => hyper(listener, validated()).await,
            "an expert's handler" => hyper(listener, expert::customer()).await,
            "the layer" => hyper(listener, layered::layer().layer(hand_written::app())).await,
            _ => Err(format!("unknown server {name:?}").into()),
        }
    })
}
