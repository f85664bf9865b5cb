//! How many tickets an office exchanges through Redis in a second, on one thread and 50 at once. For comparison,
//! `redis-benchmark` lets the same Redis run the script of an exchange: over 50 connections, and over one connection
//! with 50 commands in its pipeline. `redis-server` and `redis-benchmark` must be in the `PATH`.
//!
//! `cargo bench --bench redis --features redis` prints the figures, and those of exchanges in memory. An exchange runs
//! a `GET` in addition to the script.

#[path = "../../tests/support/redis_server.rs"]
mod redis_server;

use std::{hint::black_box, process::Command, time::Instant};

use futures::{StreamExt, stream};
use http::Request;
use tower_verify::{
    Verifier,
    store::{MemoryStore, Store},
    taptalk::{
        ApiKey, ApiKeys, Profile, TicketExchange, TicketOffice, TicketParameters, TicketRequest, TicketVerdict,
        TokenVerdict, UserPlatform,
    },
    token::KeyRing,
};

use redis_server::RedisServer;

const CONCURRENCY: usize = 50;
const EXCHANGES: usize = 40_000;
const ROUNDS: usize = 5;

/// The script that an exchange runs.
const SCRIPT: &str = include_str!("../../src/store/redis/replace.lua");
/// A key and a value of the same length as those of an exchange.
const KEY: &str = "tt:bench:l:AAAAAAAAAAAAAAAAAA";
const VALUE: &str = "abc";
/// 30 days and a minute, in milliseconds.
const TTL: &str = "2592060000";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = RedisServer::start(&[]).await;
        let mut raw = server.raw().await;
        let sha: String = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async(&mut raw).await.unwrap();
        redis::cmd("SET").arg(KEY).arg(VALUE).exec_async(&mut raw).await.unwrap();

        let (in_redis, in_memory) = (office(server.connect().await), office(MemoryStore::new()));
        let mut ratios = Vec::new();
        println!("{:>12} {:>14} {:>14} {:>8} {:>14}", "exchanges/s", "50 x 1", "1 x 50", "ratio", "in memory");
        for _ in 0..ROUNDS {
            let through_redis = exchanges(&in_redis).await;
            let [connections, pipeline] =
                [(CONCURRENCY, 1), (1, CONCURRENCY)].map(|at| benchmark(server.port, at, &sha));
            let ratio = through_redis / connections;
            let in_memory = exchanges(&in_memory).await;
            println!("{through_redis:>12.0} {connections:>14.0} {pipeline:>14.0} {ratio:>8.2} {in_memory:>14.0}");
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        println!("median ratio to 50 x 1: {:.2}", ratios[ROUNDS / 2]);
    });
}

fn office<S: Store>(store: S) -> TicketOffice<S> {
    let office = TicketOffice::new("bench", store, KeyRing::generate().unwrap()).unwrap();
    let office = office.server_keys(ApiKeys::new([server_key()]).unwrap());
    office.app_keys(ApiKeys::new([app_key()]).unwrap())
}

fn server_key() -> ApiKey {
    ApiKey::new("backend", "s3cr3t")
}

fn app_key() -> ApiKey {
    ApiKey::new("android", "pl41n")
}

/// Returns the exchanges per second.
async fn exchanges<S: Store>(office: &TicketOffice<S>) -> f64 {
    let tickets = stream::iter(0..EXCHANGES).map(async |number| {
        let profile = Profile::new(format!("user-{}", number % 100), "Ann Example");
        let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
        let request = Request::new(TicketRequest::new(server_key(), parameters));
        let TicketVerdict::Issued(ticket) = office.verify(request).await.unwrap() else { panic!("no ticket") };
        ticket.ticket
    });
    let tickets: Vec<_> = tickets.buffer_unordered(CONCURRENCY).collect().await;

    let start = Instant::now();
    let exchanges = stream::iter(tickets).map(async |ticket| {
        let exchange = Request::new(TicketExchange::new(ticket, app_key()));
        let TokenVerdict::Issued(tokens) = office.verify(exchange).await.unwrap() else { panic!("no tokens") };
        black_box(tokens);
    });
    exchanges.buffer_unordered(CONCURRENCY).for_each(async |()| ()).await;
    EXCHANGES as f64 / start.elapsed().as_secs_f64()
}

/// Returns the commands per second over `connections`, each with `pipeline` commands at once.
fn benchmark(port: u16, (connections, pipeline): (usize, usize), sha: &str) -> f64 {
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(["-p", &port.to_string(), "-n", &(4 * EXCHANGES).to_string()]);
    benchmark.args(["-c", &connections.to_string(), "-P", &pipeline.to_string()]);
    benchmark.args(["--csv", "EVALSHA", sha, "1", KEY, VALUE, VALUE, TTL]);
    let output = benchmark.output().expect("`redis-benchmark` must be in the PATH for this bench");
    let output = String::from_utf8(output.stdout).unwrap();
    // All columns are in quotes. The first one, the name of the test, may contain commas.
    let figures = output.lines().last().and_then(|line| line.split("\",\"").nth(1));
    figures.and_then(|per_second| per_second.parse().ok()).unwrap_or_else(|| panic!("{output}"))
}
