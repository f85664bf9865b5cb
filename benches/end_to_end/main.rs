//! Requests per second and the 99th percentile of the latency over loopback, for servers with this crate's layer and
//! for their peers.
//!
//! `cargo bench --bench end_to_end` starts every server as a process on a free port, and checks that all give the same
//! answers. Then `wrk` loads them in turn, round after round, so that a slow phase of the machine affects all of them.
//! The peers in other languages take part after `benches/peers/install`.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod load;
mod servers;

use std::{env, error::Error};

use self::{
    load::{Run, Workload},
    servers::Server,
};

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [serve, name] = &args[..]
        && serve == "serve"
    {
        return servers::serve(name);
    }
    load::require()?;
    let mut servers = servers::start_all()?;
    answers::compare(&servers)?;
    for workload in [Workload::PassThrough, Workload::CustomerCheck, Workload::HostileCheck] {
        print_table(workload, &servers, &measure(workload, &servers)?);
    }
    servers.iter_mut().try_for_each(Server::stop)
}

/// A run, and the server's CPU time in it, in seconds.
type Timed = (Run, f64);

/// Returns the runs of each server. Every second round is in reverse order, so that no server always follows the same
/// one.
fn measure(workload: Workload, servers: &[Server]) -> Result<Vec<Vec<Timed>>, Box<dyn Error>> {
    let mut runs = vec![Vec::new(); servers.len()];
    for server in servers {
        workload.run(&server.url)?;
    }
    for round in 0..ROUNDS {
        let mut order: Vec<usize> = (0..servers.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let before = servers[at].seconds_of_core()?;
            let run = workload.run(&servers[at].url)?;
            runs[at].push((run, servers[at].seconds_of_core()? - before));
        }
    }
    Ok(runs)
}

fn print_table(workload: Workload, servers: &[Server], runs: &[Vec<Timed>]) {
    println!("\n{workload}\n\n| server | requests/s | ratio | p99, ms | CPU time of a request, µs | ratio |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (server, of_server) in servers.iter().zip(runs) {
        let ratios = of_server.iter().zip(&runs[0]).map(|((run, _), (first, _))| run.per_second / first.per_second);
        println!(
            "| {} | {:.0} | {:.2} | {:.2} | {:.1} | {:.2} |",
            server.name,
            median(of_server.iter().map(|(run, _)| run.per_second)),
            median(ratios),
            median(of_server.iter().map(|(run, _)| run.p99_millis)),
            core_time(of_server) * 1e6,
            core_time(of_server) / core_time(&runs[0]),
        );
    }
}

/// Returns the server's CPU time for a request, in seconds. Unlike the requests per second, it does not depend on other
/// processes, and does not include the load generator.
fn core_time(runs: &[Timed]) -> f64 {
    let (requests, seconds) = runs.iter().fold((0, 0.0), |sum, (run, seconds)| (sum.0 + run.requests, sum.1 + seconds));
    seconds / requests as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
