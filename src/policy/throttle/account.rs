use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::{
    local_accounts::{LocalAccount, LocalAccounts, Settlement},
    record::{Decision, Record, Rules},
};
use crate::{
    BoxError, Clock, Failure,
    store::{Store, StoreError},
};

/// How long to wait before another node is suspected to have settled something: at first, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// How long to wait before the store is told again what it could not be told: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// The wait that an attempt is told that is still undecided after its timeout.
const UNDECIDED: Duration = Duration::from_secs(1);

/// The state that all accounts of a throttle share.
pub(super) struct Accounts<S> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pending_timeout: Duration,
    pub(super) local_accounts: Arc<LocalAccounts>,
}

impl<S> Clone for Accounts<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            pending_timeout: self.pending_timeout,
            local_accounts: Arc::clone(&self.local_accounts),
        }
    }
}

/// Why there is no reservation.
pub(super) enum ReserveError {
    Throttled(Failure),
    Unavailable(BoxError),
}

impl From<StoreError> for ReserveError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// One attempt at one account.
struct Attempt<S> {
    accounts: Accounts<S>,
    rules: Rules,
    key: String,
    local: LocalAccount,
    id: u64,
    at: u64,
}

/// An attempt that the store may have been told of. Dropped before it is settled it is given back, in the background and
/// as soon as the store is there.
pub(super) struct Reservation<S: Store> {
    attempt: Arc<Attempt<S>>,
    failed: bool,
    settled: bool,
}

impl<S: Store> Reservation<S> {
    /// Reserves an attempt at the account `key`. Where that depends on how others end, it waits for them.
    pub(super) async fn new(accounts: &Accounts<S>, rules: Rules, key: String) -> Result<Self, ReserveError> {
        let asked = Instant::now();
        let mut poll = POLL.0;
        let local = accounts.local_accounts.share(&key);
        loop {
            // From here on it is told, so that nothing is missed that is settled while the store is asked.
            let settled = local.settled.notified();
            match Self::ask(accounts, rules, &key).await? {
                (Decision::Reserved, reservation) => return Ok(reservation),
                (Decision::Throttled(wait), _) => return Err(throttled(Duration::from_millis(wait))),
                (Decision::Undecided, _) => {}
            }
            let left = accounts.pending_timeout.saturating_sub(asked.elapsed());
            if left.is_zero() {
                return Err(throttled(UNDECIDED));
            }
            if timeout(poll.min(left), settled).await.is_err() {
                *local.seen.lock().await = None;
                poll = (poll * 2).min(POLL.1);
            }
        }
    }

    async fn ask(accounts: &Accounts<S>, rules: Rules, key: &str) -> Result<(Decision, Self), ReserveError> {
        let id = getrandom::u64().map_err(|error| ReserveError::Unavailable(error.into()))?;
        let (at, local) = (accounts.clock.unix_millis(), accounts.local_accounts.share(key));
        let attempt = Arc::new(Attempt { accounts: accounts.clone(), rules, key: key.to_owned(), local, id, at });
        let mut reservation = Self { attempt: Arc::clone(&attempt), failed: false, settled: false };
        let decision = attempt.update(|record| record.reserve(id, at, &rules)).await?;
        reservation.settled = decision != Decision::Reserved;
        Ok((decision, reservation))
    }

    /// Ends the attempt: as one that failed, or as one that leaves no trace.
    pub(super) async fn settle(mut self, failed: bool) -> Result<(), StoreError> {
        self.failed = failed;
        self.attempt.settle(&[self.settlement()]).await?;
        self.settled = true;
        Ok(())
    }

    fn settlement(&self) -> Settlement {
        Settlement { id: self.attempt.id, at: self.attempt.at, failed: self.failed }
    }
}

impl<S: Store> Drop for Reservation<S> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // Without a runtime, as when it is shut down, the reservation is kept until it expires.
        let Ok(runtime) = Handle::try_current() else { return };
        if self.attempt.local.add_debt(self.settlement()) {
            let attempt = Arc::clone(&self.attempt);
            runtime.spawn(async move { attempt.settle_what_is_owed().await });
        }
    }
}

impl<S: Store> Attempt<S> {
    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let settle = |record: &mut Record| {
            let now = self.accounts.clock.unix_millis();
            for Settlement { id, at, failed } in settlements {
                record.settle(*id, *failed, *at, now, &self.rules);
            }
            Decision::Reserved
        };
        let settled = self.update(settle).await;
        self.local.settled.notify_waiters();
        settled.map(|_| ())
    }

    /// Settles what this node owes the account, in one go however much it is: while the store is away, attempts that
    /// come meanwhile do not have to wait for each of them. What has expired by itself is not owed any more.
    async fn settle_what_is_owed(&self) {
        let mut pause = RETRY.0;
        loop {
            let owed = self.local.owed();
            let settled = self.settle(&owed).await.is_ok();
            let more = if settled {
                self.local.drop_settled(owed.len())
            } else {
                self.local.drop_expired(self.accounts.clock.unix_millis().saturating_sub(self.rules.reservation))
            };
            if !more {
                return;
            }
            if !settled {
                sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }

    /// Changes the account's record, unless nothing is admitted. On this node one attempt at a time does; against other
    /// nodes each tries until nobody came between its look at the record and its change.
    async fn update(&self, step: impl Fn(&mut Record) -> Decision) -> Result<Decision, StoreError> {
        let store = &self.accounts.store;
        let mut seen = self.local.seen.lock().await;
        // Taken out: if this ends on the way, what is in the store is not known.
        let mut present = seen.take();
        loop {
            let mut record = present.as_deref().map_or(Ok(Record::default()), decode)?;
            let decision = step(&mut record);
            if decision != Decision::Reserved {
                *seen = present;
                return Ok(decision);
            }
            let (changed, ttl) = (encode(&record)?, record.ttl(self.accounts.clock.unix_millis(), &self.rules));
            present = match present {
                None => match store.claim(&self.key, changed.clone(), ttl).await? {
                    None => break *seen = Some(changed),
                    other => other,
                },
                Some(expected) => {
                    if store.replace(&self.key, expected, changed.clone(), ttl).await? {
                        break *seen = Some(changed);
                    }
                    store.get(&self.key).await?
                }
            };
        }
        Ok(Decision::Reserved)
    }
}

fn throttled(wait: Duration) -> ReserveError {
    ReserveError::Throttled(Failure::throttled(wait))
}

fn decode(value: &[u8]) -> Result<Record, StoreError> {
    serde_json::from_slice(value).map_err(|error| StoreError::Unavailable(error.into()))
}

fn encode(record: &Record) -> Result<Bytes, StoreError> {
    let value = serde_json::to_vec(record).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(value.into())
}
