//! Redis fails in several ways under a load of every kind of call.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    answer::Said,
    cluster::Cluster,
    load::{Call, Load},
    redis_server::RedisServer,
};

/// The layer's deadline of 5 s, and half a second for a busy machine.
const DEADLINE: Duration = Duration::from_millis(5000 + 500);

/// The time after Redis is back within which every call must be answered as before.
const RECOVERY: Duration = Duration::from_secs(2);

/// The time of load before the fault, and again after the recovery.
const STEADY: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_service_recovers_when_redis_is_killed_and_restarts_empty() {
    let calls = survive("killed for 2 s, restarted empty", async |redis| {
        redis.kill();
        sleep(Duration::from_secs(2)).await;
        redis.restart().await;
    });
    calls.await.fault_was_felt();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_recovers_when_redis_is_paused_past_the_deadline() {
    let calls = survive("paused for 7 s", async |redis| {
        redis.signal("STOP");
        sleep(Duration::from_secs(7)).await;
        redis.signal("CONT");
    });
    calls.await.fault_was_felt();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_recovers_when_redis_drops_its_connections() {
    survive("connections dropped 20 times in 2 s", async |redis| {
        let mut raw = redis.raw().await;
        for _ in 0..20 {
            redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).exec_async(&mut raw).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_recovers_when_redis_runs_out_of_memory() {
    let calls = survive("out of memory for 3 s", async |redis| {
        let mut raw = redis.raw().await;
        let mut limit = async |bytes| {
            redis::cmd("CONFIG").arg(&["SET", "maxmemory", bytes]).exec_async(&mut raw).await.unwrap();
        };
        limit("1").await;
        sleep(Duration::from_secs(3)).await;
        limit("0").await;
    });
    calls.await.fault_was_felt();
}

/// The results of all calls, and the start and the end of the fault.
struct Calls {
    calls: Vec<Call>,
    fault: Instant,
    back: Instant,
}

/// Causes `fault` in a cluster under load, and asserts that no call is late and that the service recovers in time. The
/// load itself asserts that every answer follows the contract and that no bad credential or used ticket is admitted.
async fn survive(name: &str, fault: impl AsyncFnOnce(&mut RedisServer)) -> Calls {
    let mut cluster = Cluster::of_three(&[]).await;
    let start = Instant::now();
    let load = Load::start(&cluster.nodes);
    sleep(STEADY).await;
    let begun = Instant::now();
    fault(&mut cluster.redis).await;
    let back = Instant::now();
    sleep(RECOVERY + STEADY).await;
    let calls = Calls { calls: load.stop().await, fault: begun, back };

    println!("\nRedis {name}: recovery {} ms", calls.recovery().as_millis());
    calls.print();
    let slow = calls.calls.iter().find(|call| call.wait() > DEADLINE);
    assert!(slow.is_none(), "answered late: {slow:?}");
    let (before, after) = (calls.before(), calls.begun_after(calls.back + RECOVERY));
    assert!(before.len() > 20 && after > 20, "too few calls: {} before the fault, {after} after it", before.len());
    let failed = before.iter().find(|call| call.failed_since(start));
    assert!(failed.is_none(), "failed without a fault: {failed:?}");
    assert!(calls.recovery() <= RECOVERY, "the service recovered {:?} after Redis was back", calls.recovery());
    calls
}

impl Calls {
    /// The calls that were answered before the fault.
    fn before(&self) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.ended < self.fault).collect()
    }

    fn begun_after(&self, time: Instant) -> usize {
        self.calls.iter().filter(|call| call.begun > time).count()
    }

    /// The time from Redis's return to the last answer of a call that had waited for Redis, or that began after it was
    /// back and still failed or took too long.
    fn recovery(&self) -> Duration {
        let held_up = |call: &&Call| match call.begun < self.back {
            true => call.ended > self.back,
            false => call.failed_since(self.back) || call.wait() > RECOVERY,
        };
        self.calls.iter().filter(held_up).map(|call| call.ended - self.back).max().unwrap_or_default()
    }

    /// Asserts that the fault had an effect: some call had no verdict.
    fn fault_was_felt(&self) {
        assert!(self.calls.iter().any(|call| call.said == Said::NoVerdict));
    }

    fn print(&self) {
        let mut rows = BTreeMap::<_, ([usize; 4], Duration)>::new();
        for call in &self.calls {
            for name in [call.name, "~ all"] {
                let (said, longest) = rows.entry(name).or_default();
                said[match call.said {
                    Said::Admitted(_) => 0,
                    Said::Refused(_) => 1,
                    Said::NoVerdict => 2,
                    Said::Throttled => 3,
                }] += 1;
                *longest = call.wait().max(*longest);
            }
        }
        println!(
            "{:<30} {:>7} {:>9} {:>8} {:>11} {:>10} {:>11}",
            "", "calls", "admitted", "refused", "no verdict", "throttled", "longest, ms"
        );
        for (name, ([admitted, refused, no_verdict, throttled], longest)) in rows {
            println!(
                "{name:<30} {:>7} {admitted:>9} {refused:>8} {no_verdict:>11} {throttled:>10} {:>11}",
                admitted + refused + no_verdict + throttled,
                longest.as_millis()
            );
        }
    }
}
