//! Confirmed writes when a primary is killed twenty times under load: how many are lost, and how many are redeemed
//! twice. `redis-server` must be in the `PATH`, and Debian's package `postgresql` must be installed.
//!
//! `cargo bench --bench failover --features redis,postgres` prints the table. With `-- redis`, `-- sentinel` or
//! `-- postgres`, it prints a part.

#[path = "../../tests/support/postgres_server.rs"]
mod postgres_server;
#[path = "../../tests/support/redis_server.rs"]
mod redis_server;
#[path = "../../tests/support/sentinel.rs"]
mod sentinel;

mod ledger;
mod primaries;

use std::time::Duration;

use tokio::time::sleep;

use ledger::Load;
use primaries::{Postgres, Primary, Redis, Sentinels};

const KILLS: usize = 20;

/// The time of load before each kill, and after the last one.
const STEADY: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() {
    // A part of the table, such as `-- sentinel`.
    let only = std::env::args().skip(1).find(|argument| argument != "--bench").unwrap_or_default();
    println!("| what is killed {KILLS} times | writes confirmed | of them lost | redeemed | of them twice |");
    println!("|---|---:|---:|---:|---:|");
    if "redis".contains(&only) {
        measure("Redis alone, nothing on disk", Redis::start(&[]).await).await;
        let on_disk = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
        measure("Redis alone, `appendfsync always`", on_disk).await;
    }
    if "sentinel".contains(&only) {
        measure("Redis with Sentinel", Sentinels::start(0).await).await;
        measure("Redis with Sentinel, `wait_for_replicas(1)`", Sentinels::start(1).await).await;
    }
    if "postgres".contains(&only) {
        measure("PostgreSQL", Postgres::start().await).await;
    }
}

async fn measure(what: &str, mut primary: impl Primary) {
    let load = Load::start(primary.store());
    for _ in 0..KILLS {
        sleep(STEADY).await;
        primary.kill_and_replace().await;
    }
    sleep(STEADY).await;
    let ledger = load.stop().await;
    let found = ledger.verify(&primary.store()).await;
    println!("| {what} | {} | {} | {} | {} |", ledger.confirmed(), found.lost, ledger.redeemed(), found.twice);
}
