//! 50 honest clients beside up to 2,000 connections of hostile peers.

#[path = "../../tests/support/hostile/mod.rs"]
mod peers;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tower_verify::BoxError;

use self::peers::{Attack, Honest, Limits, Server};
use crate::{server::resident_bytes, support::server::end_with_stdin};

/// The limits that the guide recommends, and the layer's deadline by default.
const LIMITS: Limits = Limits { head: Duration::from_secs(10), deadline: Duration::from_secs(5) };

const HONEST: usize = 50;

/// The pause of an honest client between two calls.
const PAUSE: Duration = Duration::from_millis(20);

/// How many peers attack in one way, and for how long; and in all ways together.
const OF_ONE_KIND: (usize, Duration) = (150, Duration::from_secs(5));
const OF_ALL_KINDS: (usize, Duration) = (2_000, Duration::from_secs(30));

/// How long the server may take to close what its peers have left: longer than both limits.
const AFTERWARDS: Duration = Duration::from_secs(11);

/// How many times all kinds attack together. The allocator does not return all memory to the operating system, so what
/// shows a leak is that a later time takes more than the first one.
const TIMES: usize = 3;

/// How much more memory a later time may take.
const GROWTH: f64 = 1.1;

/// Serves until standard input is closed.
pub(crate) fn serve() -> Result<(), BoxError> {
    end_with_stdin();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let server = Server::bind(LIMITS).await?;
        println!("{}", server.address);
        server.serve().await;
        Ok(())
    })
}

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start() -> Result<Self, BoxError> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(["serve", "hostile"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().parse()? })
    }

    fn resident(&self) -> Result<u64, BoxError> {
        resident_bytes(&self.child.id().to_string())
    }

    /// The number of file descriptors, when it does not change any more or is down to `expected`.
    async fn settled(&self, expected: usize) -> Result<usize, BoxError> {
        let (mut last, mut since) = (self.descriptors()?, Instant::now());
        while last > expected && since.elapsed() < AFTERWARDS {
            sleep(Duration::from_millis(100)).await;
            let now = self.descriptors()?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(last)
    }

    fn descriptors(&self) -> Result<usize, BoxError> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }
}

pub(crate) fn run() -> Result<(), BoxError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let process = Process::start()?;
        println!("{HONEST} honest clients beside hostile peers\n");
        println!(
            "| attack | peers | connections | longest, s | honest calls | failed | p50, ms | p99, ms | memory at most, MiB |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        let (mut failed, _) = phase(&process, "none", &[], (0, OF_ONE_KIND.1)).await?;
        let (descriptors, memory) = (process.settled(0).await?, process.resident()?);
        for attack in Attack::ALL {
            failed += phase(&process, &format!("{attack:?}"), &[attack], OF_ONE_KIND).await?.0;
        }
        let mut peaks = Vec::new();
        for _ in 0..TIMES {
            let (failed_now, peak) = phase(&process, "all together", &Attack::ALL, OF_ALL_KINDS).await?;
            failed += failed_now;
            peaks.push(peak as f64);
        }
        let after = (process.settled(descriptors).await?, process.resident()?);
        println!(
            "\nBefore: {descriptors} file descriptors, {:.1} MiB. Afterwards: {}, {:.1} MiB.",
            mebibytes(memory),
            after.0,
            mebibytes(after.1)
        );
        if failed > 0 {
            return Err(format!("{failed} honest calls failed").into());
        }
        if after.0 > descriptors || peaks[TIMES - 1] > peaks[0] * GROWTH {
            return Err("the server did not give back what the attacks took".into());
        }
        Ok(())
    })
}

/// Attacks, and prints a row. Returns how many honest calls failed, and the most memory that the server took.
async fn phase(
    process: &Process,
    name: &str,
    attacks: &[Attack],
    (peers, lasts): (usize, Duration),
) -> Result<(usize, u64), BoxError> {
    let until = Instant::now() + lasts;
    let attackers: Vec<_> = attacks
        .iter()
        .cycle()
        .take(if attacks.is_empty() { 0 } else { peers })
        .map(|attack| tokio::spawn(attack.run(process.address, until)))
        .collect();
    let honest = tokio::spawn(Honest::run(process.address, HONEST, until, PAUSE));
    let mut most = 0;
    while Instant::now() < until {
        most = most.max(process.resident()?);
        sleep(Duration::from_millis(50)).await;
    }
    let honest = honest.await?;
    let (mut connections, mut longest) = (0, Duration::ZERO);
    for attacker in attackers {
        let (opened, held) = attacker.await?;
        connections += opened;
        longest = longest.max(held);
    }
    let millis = |part| honest.percentile(part).as_secs_f64() * 1e3;
    println!(
        "| {name} | {peers} | {connections} | {:.1} | {} | {} | {:.1} | {:.1} | {:.1} |",
        longest.as_secs_f64(),
        honest.latencies.len(),
        honest.failures.len(),
        millis(0.5),
        millis(0.99),
        mebibytes(most)
    );
    if let Some(failure) = honest.failures.first() {
        println!("\nthe first failure: {failure}\n");
    }
    Ok((honest.failures.len(), most))
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
