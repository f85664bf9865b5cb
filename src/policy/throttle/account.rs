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

/// How long to wait before another node is suspected to have settled something: at first, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// How long to wait before the store is told again what it could not be told: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// The wait that an attempt is told that is still undecided after its timeout, or for which there is no place in line.
const UNDECIDED: Duration = Duration::from_secs(1);

/// The state that all accounts of a throttle share.
pub(super) struct Accounts<S> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    /// The beginning of the keys in the store: no other throttle's, unless it has the same key.
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
    /// The key of the bucket that the account is in.
    key: String,
    /// The account's name in it.
    tag: u64,
    local: LocalAccount,
}

/// An attempt that the store may have been told of. Dropped before it is settled it is settled in the background, as soon
/// as the store is there: as one that failed if that is known, and else as one that leaves no trace. While the store is
/// away, no more than so many accounts are kept in mind: what is beyond is left to expire.
pub(super) struct Reservation<S: Store> {
    attempt: Arc<Attempt<S>>,
    id: u64,
    /// When it was reserved.
    at: u64,
    pub(super) failed: bool,
    settled: bool,
}

impl<S: Store> Reservation<S> {
    /// Reserves an attempt at the account `digest`. Where that depends on how others end, it waits for them, in line with
    /// those who came before.
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
            // `Notify` stores a permit, so that a settlement during the store's operation is not missed.
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

    /// Ends the attempt: as one that failed, if it is marked so, or as one that leaves no trace.
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
        // Without a runtime, as when it is shut down, the reservation is kept until it expires.
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

    /// Changes the account's record, unless nothing is admitted. On this node one attempt at a time does; against other
    /// nodes, and accounts of the same bucket, each tries until nobody came between its look at the value and its change.
    async fn update(&self, step: impl Fn(&mut Record, u64) -> Decision) -> Result<Decision, StoreError> {
        let store = &self.accounts.store;
        let mut seen = self.local.seen.lock().await;
        // Taken out: if this ends on the way, what is in the store is not known.
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
    StoreError::Unavailable("a value of the throttle cannot be read: is it another version's?".into())
}
