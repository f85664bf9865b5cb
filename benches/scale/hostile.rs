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

/// The pause of an honest client in an hour's soak.
const CALM_PAUSE: Duration = Duration::from_millis(200);

/// How many peers attack in one way, and for how long; and in all ways together.
const OF_ONE_KIND: (usize, Duration) = (150, Duration::from_secs(5));
const OF_ALL_KINDS: (usize, Duration) = (2_000, Duration::from_secs(30));

/// The attacks of an hour's soak: in each minute, for a part of it.
const OF_AN_HOUR: (usize, Duration) = (130, Duration::from_secs(5));
const MINUTES: usize = 60;
const CALM: Duration = Duration::from_secs(55);

/// How many minutes of the soak are compared: the first ones after as many to warm up with the last ones.
const COMPARED: usize = 10;

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
        let mut run = Run::begin(&process).await?;
        for attack in Attack::ALL {
            run.phase(&format!("{attack:?}"), &[attack], OF_ONE_KIND, PAUSE).await?;
        }
        let mut peaks = Vec::new();
        for _ in 0..TIMES {
            peaks.push(run.phase("all together", &Attack::ALL, OF_ALL_KINDS, PAUSE).await?);
        }
        run.end(peaks[0], peaks[TIMES - 1]).await
    })
}

/// An hour of real time, in which each minute has an attack of all kinds.
pub(crate) fn hour() -> Result<(), BoxError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let process = Process::start()?;
        let mut run = Run::begin(&process).await?;
        let mut peaks = Vec::new();
        for minute in 1..=MINUTES {
            peaks.push(run.phase(&format!("minute {minute}"), &Attack::ALL, OF_AN_HOUR, PAUSE).await?);
            run.phase("calm", &[], (0, CALM), CALM_PAUSE).await?;
        }
        let most = |minutes: &[u64]| minutes.iter().copied().max().unwrap_or_default();
        run.end(most(&peaks[COMPARED..2 * COMPARED]), most(&peaks[MINUTES - COMPARED..])).await
    })
}

/// A server, what it took before any attack, and how many honest calls have failed.
struct Run<'a> {
    process: &'a Process,
    descriptors: usize,
    memory: u64,
    failed: usize,
}

impl<'a> Run<'a> {
    async fn begin(process: &'a Process) -> Result<Self, BoxError> {
        println!("{HONEST} honest clients beside hostile peers\n");
        println!(
            "| attack | peers | connections | longest, s | honest calls | failed | p50, ms | p99, ms | memory at most, MiB |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        let mut run = Self { process, descriptors: 0, memory: 0, failed: 0 };
        run.phase("none", &[], (0, OF_ONE_KIND.1), PAUSE).await?;
        run.descriptors = process.settled(0).await?;
        run.memory = process.resident()?;
        Ok(run)
    }

    /// Attacks, and prints a row. Returns the most memory that the server took.
    async fn phase(
        &mut self,
        name: &str,
        attacks: &[Attack],
        (peers, lasts): (usize, Duration),
        pause: Duration,
    ) -> Result<u64, BoxError> {
        let until = Instant::now() + lasts;
        let attackers: Vec<_> = attacks
            .iter()
            .cycle()
            .take(if attacks.is_empty() { 0 } else { peers })
            .map(|attack| tokio::spawn(attack.run(self.process.address, until)))
            .collect();
        let honest = tokio::spawn(Honest::run(self.process.address, HONEST, until, pause));
        let mut most = 0;
        while Instant::now() < until {
            most = most.max(self.process.resident()?);
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
        self.failed += honest.failures.len();
        Ok(most)
    }

    /// Compares the memory of an early attack with that of a late one, and what the server holds now with what it held.
    async fn end(self, early: u64, late: u64) -> Result<(), BoxError> {
        let descriptors = self.process.settled(self.descriptors).await?;
        println!(
            "\nBefore: {} file descriptors, {:.1} MiB. Afterwards: {descriptors}, {:.1} MiB.",
            self.descriptors,
            mebibytes(self.memory),
            mebibytes(self.process.resident()?)
        );
        if self.failed > 0 {
            return Err(format!("{} honest calls failed", self.failed).into());
        }
        if descriptors > self.descriptors || late as f64 > early as f64 * GROWTH {
            return Err("the server did not give back what the attacks took".into());
        }
        Ok(())
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
