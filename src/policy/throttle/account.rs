use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::{
    bucket::Bucket,
    local_accounts::{LocalAccount, LocalAccounts, Seen, Settlement},
    record::{Decision, Record, Rules},
    store_key::{Prefix, StoreKey},
};
use crate::{
    BoxError, Clock, Failure,
    store::{Store, StoreError},
    token::{KeyedDigest, TokenId},
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
    pub(super) prefix: Prefix,
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
struct Attempt<'a, S> {
    accounts: &'a Accounts<S>,
    rules: Rules,
    /// The key of the bucket that the account is in.
    key: StoreKey,
    /// The account's name in the bucket.
    tag: u64,
    local: LocalAccount<&'a LocalAccounts>,
}

/// An attempt that may be reserved in the store.
///
/// If it is dropped before it is settled, it is settled in the background when the store is available: as a failure if
/// `failed` is set, and otherwise without a trace. While the store is unavailable, the number of such accounts is
/// limited. Reservations beyond this limit expire.
pub(super) struct Reservation<'a, S: Store> {
    attempt: Attempt<'a, S>,
    settlement: Settlement,
    settled: bool,
    /// The value in the store, if this reservation is all that it says.
    alone: Option<Bytes>,
}

impl<'a, S: Store> Reservation<'a, S> {
    /// Reserves an attempt at the account `digest`. If the decision depends on attempts under way, it waits for them,
    /// in line behind earlier attempts.
    pub(super) async fn new(
        accounts: &'a Accounts<S>,
        rules: Rules,
        digest: KeyedDigest,
    ) -> Result<Self, ReserveError> {
        let [id, _] = halves(TokenId::random().map_err(|error| ReserveError::Unavailable(error.into()))?.to_bytes());
        let settlement = Settlement { id, at: 0, failed: false };
        let mut reservation =
            Self { attempt: Attempt::new(accounts, rules, digest), settlement, settled: true, alone: None };
        reservation.reserve().await?;
        Ok(reservation)
    }

    async fn reserve(&mut self) -> Result<(), ReserveError> {
        let Self { attempt, settlement, settled, alone } = self;
        let Attempt { accounts, local, rules, .. } = &*attempt;
        // Read only if there is something to wait for.
        let mut asked = None;
        let mut turn = None;
        let mut poll = POLL.0;
        loop {
            let seen = if turn.is_none() { local.see_at_once() } else { Some(local.see().await) };
            if let Some(seen) = seen {
                *settled = false;
                let reserve = |record: &mut Record, now| {
                    settlement.at = now;
                    record.reserve(settlement.id, now, rules)
                };
                let (decision, claimed) = attempt.update(seen, reserve).await?;
                *alone = claimed;
                *settled = decision != Decision::Reserved;
                match decision {
                    Decision::Reserved => return Ok(()),
                    Decision::Throttled(wait) => return Err(throttled(Duration::from_millis(wait))),
                    Decision::Undecided => local.set_undecided(),
                }
            }
            let left = accounts.pending_timeout.saturating_sub(asked.get_or_insert_with(Instant::now).elapsed());
            if left.is_zero() {
                return Err(throttled(UNDECIDED));
            }
            if turn.is_none() {
                let place = local.enter(accounts.max_pending).ok_or_else(|| throttled(UNDECIDED))?;
                let lock = timeout(left, local.turn.lock()).await.map_err(|_| throttled(UNDECIDED))?;
                turn = Some((place, lock));
            // `Notify` stores a permit, so a settlement during the store operation is not missed.
            } else if timeout(poll.min(left), local.settled.notified()).await.is_err() {
                *local.see().await = None;
                poll = (poll * 2).min(POLL.1);
            }
        }
    }

    /// Sets whether the attempt failed, so that it is settled accordingly.
    pub(super) fn set_failed(&mut self, failed: bool) {
        self.settlement.failed = failed;
    }

    /// Settles the attempt: as a failure if it has failed, and otherwise without a trace.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        // Most attempts neither fail nor meet another one, and need not read again what they wrote.
        let cleared = match self.alone.take() {
            Some(alone) if !self.settlement.failed => self.attempt.clear(alone).await?,
            _ => false,
        };
        if !cleared {
            self.attempt.settle(&[self.settlement]).await?;
        }
        self.settled = true;
        Ok(())
    }
}

impl<S: Store> Drop for Reservation<'_, S> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        // Without a runtime (at shutdown), the reservation stays until it expires.
        let Ok(runtime) = Handle::try_current() else { return };
        let Attempt { accounts, rules, local, .. } = &self.attempt;
        if !local.add_debt(self.settlement) {
            return;
        }
        let Some(permit) = accounts.local_accounts.background() else { return local.drop_all() };
        let (accounts, rules, digest) = (Accounts::clone(accounts), *rules, local.digest());
        // The debt is there as long as somebody has a share.
        let share = LocalAccount::share(Arc::clone(&accounts.local_accounts), digest);
        runtime.spawn(async move {
            Attempt::new(&accounts, rules, digest).settle_what_is_owed().await;
            drop((share, permit));
        });
    }
}

impl<'a, S: Store> Attempt<'a, S> {
    fn new(accounts: &'a Accounts<S>, rules: Rules, digest: KeyedDigest) -> Self {
        let [tag, bucket] = halves(digest);
        let key = StoreKey::new(&accounts.prefix, bucket % accounts.buckets);
        Self { accounts, rules, key, tag, local: LocalAccount::share(&accounts.local_accounts, digest) }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let settle = |record: &mut Record, now: u64| {
            for Settlement { id, at, failed } in settlements {
                record.settle(*id, *failed, *at, now, &self.rules);
            }
            Decision::Reserved
        };
        let settled = self.update(self.local.see().await, settle).await;
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

    /// Removes the account's value if it is still `alone`. Returns whether it was.
    async fn clear(&self, alone: Bytes) -> Result<bool, StoreError> {
        let mut seen = self.local.see().await;
        if seen.as_ref() != Some(&alone) {
            return Ok(false);
        }
        // As in `update`.
        *seen = None;
        let cleared = self.accounts.store.replace(self.key.as_str(), alone, Bytes::new(), Duration::ZERO).await;
        drop(seen);
        self.local.settled.notify_one();
        cleared
    }

    /// Applies `step` to the account's record, and stores the result if the decision is `Reserved`.
    ///
    /// If there was no value before, it is returned, too.
    ///
    /// A lock lets one attempt at a time do so on this node. A compare-and-swap loop handles other nodes, and other
    /// accounts of the bucket.
    async fn update(
        &self,
        mut seen: Seen<'_>,
        mut step: impl FnMut(&mut Record, u64) -> Decision,
    ) -> Result<(Decision, Option<Bytes>), StoreError> {
        let (store, key) = (&self.accounts.store, self.key.as_str());
        // Taken out: if this future is dropped midway, the value in the store is not known.
        let mut present = seen.take();
        loop {
            let value = present.as_deref().unwrap_or_default();
            let mut bucket = Bucket::decode(value, self.tag).ok_or_else(unreadable)?;
            let now = self.accounts.clock.unix_millis();
            let clamped = bucket.record.clamp(now, &self.rules);
            let decision = step(&mut bucket.record, now);
            if decision != Decision::Reserved && !clamped {
                *seen = present;
                return Ok((decision, None));
            }
            let (changed, ttl) = bucket.encode(now, &self.rules);
            let expected = match present {
                Some(expected) => expected,
                None => match store.claim(key, changed.clone(), ttl).await? {
                    None => {
                        *seen = left_in_the_store(changed);
                        return Ok((decision, seen.clone()));
                    }
                    // The last attempt has just left it. It says the same as no value.
                    Some(empty) if empty.is_empty() => empty,
                    other => {
                        present = other;
                        continue;
                    }
                },
            };
            if store.replace(key, expected, changed.clone(), ttl).await? {
                *seen = left_in_the_store(changed);
                return Ok((decision, None));
            }
            present = store.get(key).await?;
        }
    }
}

/// An empty value is gone at once, and says the same as no value.
fn left_in_the_store(value: Bytes) -> Option<Bytes> {
    Some(value).filter(|value| !value.is_empty())
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
