//! A server's CPU time for a request over loopback, for servers with this crate's layer and for their peers.
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
    println!("\n{workload}\n\n| server | ratio | in half of the rounds | CPU time of a request, µs | requests/s |");
    println!("|---|---:|---:|---:|---:|");
    for (server, of_server) in servers.iter().zip(runs) {
        let rounds = of_server.iter().zip(&runs[0]);
        let ratios = sorted(rounds.map(|(run, first)| core_time(&[*run]) / core_time(&[*first])));
        let rates = sorted(of_server.iter().map(|(run, _)| run.per_second));
        println!(
            "| {} | {:.2} | {:.2} to {:.2} | {:.1} | {:.0} |",
            server.name,
            core_time(of_server) / core_time(&runs[0]),
            ratios[ROUNDS / 4],
            ratios[ROUNDS - 1 - ROUNDS / 4],
            core_time(of_server) * 1e6,
            rates[ROUNDS / 2],
        );
    }
}

/// Returns the server's CPU time for a request, in seconds. Unlike the requests per second, it does not depend on other
/// processes, and does not include the load generator.
fn core_time(runs: &[Timed]) -> f64 {
    let (requests, seconds) = runs.iter().fold((0, 0.0), |sum, (run, seconds)| (sum.0 + run.requests, sum.1 + seconds));
    seconds / requests as f64
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}
