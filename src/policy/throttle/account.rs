use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::{
    bucket::Bucket,
    local_accounts::{LocalAccount, LocalAccounts, Settlement},
    record::{Decision, Record, Rules},
};
use crate::{
    BoxError, Clock, Failure,
    digest::KeyedDigest,
    store::{Store, StoreError},
};

/// How long to wait before polling the store for settlements of other nodes: at first, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// How long to wait before settling in the store is retried: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// The wait of an attempt that is undecided after its timeout, or finds the line full.
const UNDECIDED: Duration = Duration::from_secs(1);

/// The state that all accounts of a throttle share.
pub(super) struct Accounts<S> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    /// The prefix of the keys in the store. It depends on the throttle's key.
    pub(super) prefix: Arc<str>,
    pub(super) buckets: u64,
    pub(super) pending_timeout: Duration,
    pub(super) max_pending: usize,
    pub(super) local_accounts: Arc<LocalAccounts>,
}

impl<S> Clone for Accounts<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            prefix: Arc::clone(&self.prefix),
            local_accounts: Arc::clone(&self.local_accounts),
            ..*self
        }
    }
}

/// Why an attempt was not reserved.
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
    /// The key of the bucket that the account is in.
    key: String,
    /// The account's name in the bucket.
    tag: u64,
    local: LocalAccount,
}

/// An attempt that may be reserved in the store.
///
/// If it is dropped before it is settled, it is settled in the background when the store is available: as a failure if
/// `failed` is set, and otherwise without a trace. While the store is unavailable, the number of such accounts is
/// limited. Reservations beyond this limit expire.
pub(super) struct Reservation<S: Store> {
    attempt: Arc<Attempt<S>>,
    id: u64,
    /// When it was reserved.
    at: u64,
    pub(super) failed: bool,
    settled: bool,
}

impl<S: Store> Reservation<S> {
    /// Reserves an attempt at the account `digest`. If the decision depends on attempts under way, it waits for them,
    /// in line behind earlier attempts.
    pub(super) async fn new(accounts: &Accounts<S>, rules: Rules, digest: KeyedDigest) -> Result<Self, ReserveError> {
        let asked = Instant::now();
        let mut reservation = Self::unasked(accounts, rules, digest)?;
        let attempt = Arc::clone(&reservation.attempt);
        let local = &attempt.local;
        let _place = local.enter(accounts.max_pending).ok_or_else(|| throttled(UNDECIDED))?;
        let turn = timeout(accounts.pending_timeout, local.turn.lock()).await;
        let _turn = turn.map_err(|_| throttled(UNDECIDED))?;
        let mut poll = POLL.0;
        loop {
            match reservation.ask().await? {
                Decision::Reserved => return Ok(reservation),
                Decision::Throttled(wait) => return Err(throttled(Duration::from_millis(wait))),
                Decision::Undecided => {}
            }
            let left = accounts.pending_timeout.saturating_sub(asked.elapsed());
            if left.is_zero() {
                return Err(throttled(UNDECIDED));
            }
            // `Notify` stores a permit, so a settlement during the store operation is not missed.
            if timeout(poll.min(left), local.settled.notified()).await.is_err() {
                *local.seen.lock().await = None;
                poll = (poll * 2).min(POLL.1);
            }
        }
    }

    fn unasked(accounts: &Accounts<S>, rules: Rules, digest: KeyedDigest) -> Result<Self, ReserveError> {
        let id = getrandom::u64().map_err(|error| ReserveError::Unavailable(error.into()))?;
        let [tag, bucket] = halves(digest);
        let key = format!("{}{:x}", accounts.prefix, bucket % accounts.buckets);
        let local = accounts.local_accounts.share(digest);
        let attempt = Arc::new(Attempt { accounts: accounts.clone(), rules, key, tag, local });
        Ok(Self { attempt, id, at: 0, failed: false, settled: true })
    }

    async fn ask(&mut self) -> Result<Decision, StoreError> {
        let Self { attempt, id, .. } = self;
        let (id, rules) = (*id, attempt.rules);
        self.at = attempt.accounts.clock.unix_millis();
        self.settled = false;
        let decision = attempt.update(|record, now| record.reserve(id, now, &rules)).await?;
        self.settled = decision != Decision::Reserved;
        Ok(decision)
    }

    /// Settles the attempt: as a failure if `failed` is set, and otherwise without a trace.
    pub(super) async fn settle(mut self) -> Result<(), StoreError> {
        self.attempt.settle(&[self.settlement()]).await?;
        self.settled = true;
        Ok(())
    }

    fn settlement(&self) -> Settlement {
        Settlement { id: self.id, at: self.at, failed: self.failed, since: Instant::now() }
    }
}

impl<S: Store> Drop for Reservation<S> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // Without a runtime (at shutdown), the reservation stays until it expires.
        let Ok(runtime) = Handle::try_current() else { return };
        let (settlement, attempt) = (self.settlement(), &self.attempt);
        if !attempt.local.add_debt(settlement) {
            return;
        }
        let Some(permit) = attempt.accounts.local_accounts.background() else { return attempt.local.drop_all() };
        let attempt = Arc::clone(attempt);
        runtime.spawn(async move {
            attempt.settle_what_is_owed().await;
            drop(permit);
        });
    }
}

impl<S: Store> Attempt<S> {
    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let settle = |record: &mut Record, now: u64| {
            for Settlement { id, at, failed, .. } in settlements {
                record.settle(*id, *failed, *at, now, &self.rules);
            }
            Decision::Reserved
        };
        let settled = self.update(settle).await;
        self.local.settled.notify_one();
        settled.map(|_| ())
    }

    /// Settles all that this node owes the account, in one operation of the store: after an outage, new attempts do not
    /// wait for one operation for each. Expired reservations are no longer owed.
    async fn settle_what_is_owed(&self) {
        let mut pause = RETRY.0;
        loop {
            let owed = self.local.owed();
            let settled = self.settle(&owed).await.is_ok();
            let more = if settled {
                self.local.drop_settled(owed.len())
            } else {
                self.local.drop_expired(Duration::from_millis(self.rules.reservation))
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

    /// Applies `step` to the account's record, and stores the result if the decision is `Reserved`.
    ///
    /// A lock lets one attempt at a time do so on this node. A compare-and-swap loop handles other nodes, and other
    /// accounts of the bucket.
    async fn update(&self, step: impl Fn(&mut Record, u64) -> Decision) -> Result<Decision, StoreError> {
        let store = &self.accounts.store;
        let mut seen = self.local.seen.lock().await;
        // Taken out: if this future is dropped midway, the value in the store is not known.
        let mut present = seen.take();
        loop {
            let mut bucket = present.clone().map_or(Some(Bucket::default()), Bucket::decode).ok_or_else(unreadable)?;
            let mut record = bucket.record(self.tag).ok_or_else(unreadable)?;
            let now = self.accounts.clock.unix_millis();
            let clamped = record.clamp(now, &self.rules);
            let decision = step(&mut record, now);
            if decision != Decision::Reserved && !clamped {
                *seen = present;
                return Ok(decision);
            }
            bucket.set(self.tag, &record, now, &self.rules);
            let (changed, ttl) = (bucket.encode(), bucket.ttl(now));
            present = match present {
                None => match store.claim(&self.key, changed.clone(), ttl).await? {
                    None => {
                        *seen = Some(changed);
                        return Ok(decision);
                    }
                    other => other,
                },
                Some(expected) => {
                    if store.replace(&self.key, expected, changed.clone(), ttl).await? {
                        *seen = Some(changed);
                        return Ok(decision);
                    }
                    store.get(&self.key).await?
                }
            };
        }
    }
}

/// The halves of a digest, as numbers.
fn halves(digest: KeyedDigest) -> [u64; 2] {
    let (halves, _) = digest.as_chunks::<8>();
    [u64::from_be_bytes(halves[0]), u64::from_be_bytes(halves[1])]
}

fn throttled(wait: Duration) -> ReserveError {
    ReserveError::Throttled(Failure::throttled(wait))
}

fn unreadable() -> StoreError {
    StoreError::Unavailable(
        "cannot decode a throttle's value in the store: use the same version of tower-verify on all nodes".into(),
    )
}
