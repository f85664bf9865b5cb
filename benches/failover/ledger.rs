//! A record of the writes that a store has confirmed, for finding out which of them it has lost.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::future::join_all;
use tokio::{task::JoinHandle, time::sleep};
use tower_verify::store::{SharedStore, Store};

const WORKERS: usize = 8;
const HOUR: Duration = Duration::from_secs(3600);

/// The pause between two rounds of a worker.
const PAUSE: Duration = Duration::from_millis(2);

/// The numbers of the tickets, by what has happened to them.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Tickets that were written and not redeemed.
    written: Mutex<Vec<u64>>,
    redeemed: Mutex<Vec<u64>>,
    /// The number of tickets that were written and were gone when they were to be redeemed.
    missing: AtomicU64,
    confirmed: AtomicU64,
}

/// The result after the load has stopped.
pub(crate) struct Found {
    pub(crate) lost: u64,
    pub(crate) twice: u64,
}

/// The workers, which write tickets and redeem every other one.
pub(crate) struct Load {
    ledger: Arc<Ledger>,
    stopped: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(store: SharedStore) -> Self {
        let (ledger, stopped, next) =
            (Arc::<Ledger>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let workers = (0..WORKERS).map(|_| {
            let (store, ledger) = (store.clone(), Arc::clone(&ledger));
            let (stopped, next) = (Arc::clone(&stopped), Arc::clone(&next));
            tokio::spawn(async move {
                while !stopped.load(Relaxed) {
                    ledger.write(&store, next.fetch_add(1, Relaxed)).await;
                    ledger.write(&store, next.fetch_add(1, Relaxed)).await;
                    ledger.redeem(&store).await;
                    sleep(PAUSE).await;
                }
            })
        });
        Self { workers: workers.collect(), ledger: Arc::clone(&ledger), stopped }
    }

    pub(crate) async fn stop(self) -> Arc<Ledger> {
        self.stopped.store(true, Relaxed);
        join_all(self.workers).await;
        self.ledger
    }
}

impl Ledger {
    async fn write(&self, store: &SharedStore, number: u64) {
        if store.put(&key(number), Bytes::from_static(b"ticket"), HOUR).await.is_ok() {
            self.confirmed.fetch_add(1, Relaxed);
            self.written.lock().unwrap().push(number);
        }
    }

    /// Redeems a ticket. If the answer is an error, the ticket's state is unknown, and nothing is expected of it.
    async fn redeem(&self, store: &SharedStore) {
        let Some(number) = self.written.lock().unwrap().pop() else { return };
        match store.take(&key(number)).await {
            Ok(Some(_)) => self.redeemed.lock().unwrap().push(number),
            Ok(None) => drop(self.missing.fetch_add(1, Relaxed)),
            Err(_) => {}
        }
    }

    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed.load(Relaxed)
    }

    pub(crate) fn redeemed(&self) -> usize {
        self.redeemed.lock().unwrap().len()
    }

    pub(crate) async fn verify(&self, store: &SharedStore) -> Found {
        let (written, redeemed) = (self.written.lock().unwrap().clone(), self.redeemed.lock().unwrap().clone());
        let mut found = Found { lost: self.missing.load(Relaxed), twice: 0 };
        for number in written {
            found.lost += u64::from(store.get(&key(number)).await.expect("the store is away").is_none());
        }
        for number in redeemed {
            found.twice += u64::from(store.take(&key(number)).await.expect("the store is away").is_some());
        }
        found
    }
}

fn key(number: u64) -> String {
    format!("ticket:{number}")
}
