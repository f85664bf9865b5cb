//! Many connections, and many hours.
//!
//! `cargo bench --bench scale -- load` opens 2,000 connections to each of three servers, and loads the servers in turn at
//! a steady rate. `-- soak` runs everything that keeps state for more than an hour of an accelerated clock, and fails if
//! it grows. Without an argument, both run. `-- load 20000` sets the rate. `-- hostile` attacks a server with up to 2,000
//! connections beside 50 honest clients, and fails if one of these fails, or if the server does not recover. `-- hour`
//! does so for an hour of real time, of which a twelfth is under attack.

#[path = "../support/mod.rs"]
mod support;

mod hostile;
mod load;
mod server;
mod soak;

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use tower_verify::BoxError;

use self::{
    load::Connections,
    server::{CoreTime, Server},
};

const CONNECTIONS: usize = 2_000;

/// The requests per second. A server then needs a part of its core only, as the table shows: nothing waits in a queue
/// for longer than a moment.
const RATE: f64 = 10_000.0;

const ROUNDS: usize = 15;

/// The length of a server's turn in a round, and its beginning, which does not count.
const TURN: Duration = Duration::from_millis(1_200);
const WARM_UP: Duration = Duration::from_millis(200);

const PERCENTILES: [f64; 3] = [0.5, 0.99, 0.999];

fn main() -> Result<(), BoxError> {
    let args: Vec<String> = env::args().skip(1).collect();
    let rate = || args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(RATE);
    match args.first().map(String::as_str) {
        Some("serve") if args[1] == "hostile" => hostile::serve(),
        Some("serve") => server::serve(&args[1]).map_err(|error| error.to_string().into()),
        Some("load") => load(rate()),
        Some("soak") => soak::run(),
        Some("hostile") => hostile::run(),
        Some("hour") => hostile::hour(),
        _ => {
            load(rate())?;
            println!();
            // A process of its own, as a process does not return all memory to the operating system.
            let soak = Command::new(env::current_exe()?).arg("soak").status()?;
            if soak.success() { Ok(()) } else { Err("the soak failed".into()) }
        }
    }
}

/// A server under load, and its figures.
struct Loaded {
    server: Server,
    connections: Connections,
    bytes_of_connection: u64,
    /// The percentiles of each round.
    rounds: Vec<[Duration; 3]>,
    core_time: CoreTime,
}

fn load(rate: f64) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut loaded = Vec::new();
        let mut answers = Vec::new();
        for name in server::NAMES {
            let server = Server::start(name)?;
            // The first check takes memory that belongs to no connection.
            let _first = Connections::open(server.address, 1).await?;
            let before = server.resident_bytes()?;
            let (connections, answer) = Connections::open(server.address, CONNECTIONS).await?;
            let bytes_of_connection = (server.resident_bytes()? - before) / CONNECTIONS as u64;
            answers.push(answer);
            let (rounds, core_time) = Default::default();
            loaded.push(Loaded { server, connections, bytes_of_connection, rounds, core_time });
        }
        if let Some(other) = answers.iter().find(|answer| **answer != answers[0]) {
            return Err(format!("a server answers {other} instead of {}", answers[0]).into());
        }
        let (start, client) = (Instant::now(), CoreTime::of("self")?);
        let due = load::schedule((TURN.as_secs_f64() * rate) as usize, rate);
        for _ in 0..ROUNDS {
            // Every second round is in reverse order, so that no server always follows the same one.
            loaded.reverse();
            for Loaded { server, connections, rounds, core_time, .. } in &mut loaded {
                let before = server.core_time()?;
                let mut latencies = connections.load(&due, WARM_UP).await?;
                core_time.add(before, server.core_time()?);
                latencies.sort_unstable();
                rounds.push(PERCENTILES.map(|part| latencies[(latencies.len() as f64 * part) as usize]));
            }
        }
        let mut waited = CoreTime::default();
        waited.add(client, CoreTime::of("self")?);
        print(rate, &mut loaded, waited.waited / start.elapsed().as_secs_f64());
        Ok(())
    })
}

fn print(rate: f64, loaded: &mut [Loaded], client_waited: f64) {
    let seconds = ROUNDS as f64 * TURN.as_secs_f64();
    println!("{CONNECTIONS} connections, {rate:.0} checks per second, medians of {ROUNDS} rounds\n");
    println!(
        "| server | p50, µs | p99, µs | p99.9, µs | core in use | waited for a core | memory of a connection, bytes |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    loaded.sort_by_key(|loaded| server::NAMES.iter().position(|name| *name == loaded.server.name));
    for Loaded { server, rounds, core_time, bytes_of_connection, .. } in loaded {
        let [p50, p99, p999] = [0, 1, 2].map(|at| {
            rounds.sort_unstable_by_key(|round| round[at]);
            rounds[ROUNDS / 2][at].as_secs_f64() * 1e6
        });
        println!(
            "| {} | {p50:.0} | {p99:.0} | {p999:.0} | {:.0} % | {:.1} % | {bytes_of_connection} |",
            server.name,
            100.0 * core_time.had / seconds,
            100.0 * core_time.waited / seconds,
        );
    }
    println!("\nThe client waited for a core for {:.1} % of the time.", 100.0 * client_waited);
}
