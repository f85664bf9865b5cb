//! The servers. Each is a process of its own, which exits when its standard input is closed.
//!
//! A server in Rust has a runtime with one thread.

use std::{
    convert::Infallible,
    error::Error,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{Layer, service_fn};

use crate::support::{
    axum as axum_json,
    bare::TEXT,
    expert, hand_written, layered,
    server::{axum, hyper, serve_until_stdin_closes},
};

/// The servers in Rust. All others are compared with the first one. The second one is the same again: its ratios show what
/// noise makes.
const RUST: [&str; 7] = [
    "hyper, an expert's handler",
    "hyper, the same again",
    "hyper, layer",
    "hyper, a handler without any protection",
    "axum, layer",
    "axum, Json",
    "axum, Json under tower-http's layers",
];

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    process: Child,
}

impl Server {
    fn start(name: &'static str, command: &mut Command) -> Result<Self, Box<dyn Error>> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        let output = process.stdout.take().ok_or("the server has no standard output")?;
        if BufReader::new(output).read_line(&mut url)? == 0 {
            return Err(format!("{name} did not start").into());
        }
        Ok(Self { name, url: url.trim().to_owned(), process })
    }

    /// Returns the CPU time of the process, in seconds. Other processes do not affect it.
    pub(crate) fn seconds_of_core(&self) -> Result<f64, Box<dyn Error>> {
        const TICKS_A_SECOND: f64 = 100.0;

        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, after_name) = stat.rsplit_once(") ").ok_or("the process has no name")?;
        let ticks = after_name.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / TICKS_A_SECOND)
    }

    pub(crate) fn stop(&mut self) -> Result<(), Box<dyn Error>> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        Ok(())
    }
}

pub(crate) fn start_all() -> Result<Vec<Server>, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let mut servers = Vec::new();
    for name in RUST {
        servers.push(Server::start(name, Command::new(&this).args(["serve", name]))?);
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    if peers.join("fastify/node_modules").exists() {
        servers.push(Server::start("Fastify on Node.js", Command::new("node").arg(peers.join("fastify/server.mjs")))?);
    }
    let python = peers.join("fastapi/venv/bin/python");
    if python.exists() {
        servers.push(Server::start("FastAPI on uvicorn", Command::new(python).arg(peers.join("fastapi/server.py")))?);
    }
    Ok(servers)
}

/// Serves on one thread until standard input is closed. The other core is for the load.
pub(crate) fn serve(name: &str) -> Result<(), Box<dyn Error>> {
    serve_until_stdin_closes(|listener| async {
        let home = Router::new().route("/", get(async || TEXT));
        match name {
            "hyper, an expert's handler" | "hyper, the same again" => hyper(listener, expert::customer()).await,
            "hyper, a handler without any protection" => hyper(listener, hand_written::app()).await,
            "hyper, layer" => hyper(listener, layered::layer().layer(service_fn(hyper_home))).await,
            "axum, layer" => axum(listener, home.layer(layered::layer())).await,
            "axum, Json" => axum(listener, home.merge(axum_json::app())).await,
            "axum, Json under tower-http's layers" => {
                axum(listener, axum_json::protect(home.merge(axum_json::app()))).await
            }
            _ => Err(format!("unknown server {name:?}").into()),
        }
    })
}

async fn hyper_home(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(hand_written::home())
}
