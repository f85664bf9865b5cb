use std::{
    hint,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use hashbrown::HashTable;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::token::KeyedDigest;

/// The limit of unsettled attempts at one account, and of accounts with unsettled attempts, while the store is
/// unavailable.
const MAX_OWED: usize = 1000;

/// The number of tables of accounts, each with its own lock.
const SHARDS: usize = 64;

/// How often to try a lock before waiting for it. With a store in memory, another thread has it for less time than it
/// takes to sleep and wake up.
const TRIES: usize = 100;

/// The state that the attempts at one account share on this node, as long as there are any.
#[derive(Default)]
pub(super) struct Local {
    /// Held by the attempt on this node that waits for its reservation. The other attempts that wait queue for it, first
    /// in, first out.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// The number of attempts that hold `turn` or wait for it.
    in_line: AtomicUsize,
    /// Whether one of them waits for other attempts to be settled. Later ones must not overtake it.
    undecided: AtomicBool,
    /// The account's value in the store as this node saw it last, if it has. Only the holder of this lock changes the
    /// account on this node.
    seen: futures_util::lock::Mutex<Option<Bytes>>,
    /// Notified when an attempt on this node is settled. One attempt at a time waits for it.
    pub(super) settled: Notify,
    /// The finished attempts that may still be reserved in the store, and since when.
    owed: Mutex<Vec<(Settlement, Instant)>>,
}

/// How an attempt ended.
#[derive(Clone, Copy)]
pub(super) struct Settlement {
    pub(super) id: u64,
    /// When it was reserved.
    pub(super) at: u64,
    pub(super) failed: bool,
}

/// The lock of [`Local::seen`].
pub(super) type Seen<'a> = futures_util::lock::MutexGuard<'a, Option<Bytes>>;

/// A place in line.
pub(super) struct InLine<'a>(&'a Local);

impl Local {
    /// Locks the value that this node saw last.
    pub(super) async fn see(&self) -> Seen<'_> {
        match self.try_see() {
            Some(seen) => seen,
            None => self.seen.lock().await,
        }
    }

    /// Locks the value that this node saw last without waiting in line. Returns `None` if another attempt has it for
    /// long, or an earlier one is undecided.
    pub(super) fn see_at_once(&self) -> Option<Seen<'_>> {
        if self.undecided.load(Relaxed) { None } else { self.try_see() }
    }

    fn try_see(&self) -> Option<Seen<'_>> {
        (0..TRIES).find_map(|_| {
            self.seen.try_lock().or_else(|| {
                hint::spin_loop();
                None
            })
        })
    }

    /// Takes a place in line, unless there are already `most` attempts in it.
    pub(super) fn enter(&self, most: usize) -> Option<InLine<'_>> {
        let entered = InLine(self);
        (self.in_line.fetch_add(1, Relaxed) < most).then_some(entered)
    }

    /// Makes later attempts line up, as long as anybody is in line.
    pub(super) fn set_undecided(&self) {
        self.undecided.store(true, Relaxed);
    }

    /// Adds a settlement that is owed to the store, unless there are too many. Returns whether it is the only one, so
    /// that no task is settling others yet.
    pub(super) fn add_debt(&self, settlement: Settlement) -> bool {
        let mut owed = self.lock_owed();
        if owed.len() < MAX_OWED {
            owed.push((settlement, Instant::now()));
        }
        owed.len() == 1
    }

    /// Drops all that is owed.
    pub(super) fn drop_all(&self) {
        self.lock_owed().clear();
    }

    pub(super) fn owed(&self) -> Vec<Settlement> {
        self.lock_owed().iter().map(|(settlement, _)| *settlement).collect()
    }

    /// Drops the first `settled` of what is owed. Returns whether there is more.
    pub(super) fn drop_settled(&self, settled: usize) -> bool {
        let mut owed = self.lock_owed();
        owed.drain(..settled);
        !owed.is_empty()
    }

    /// Drops settlements that are owed for as long as `reservation`: the store no longer keeps these reservations.
    /// Returns whether there is more.
    pub(super) fn drop_expired(&self, reservation: Duration) -> bool {
        let mut owed = self.lock_owed();
        owed.retain(|(_, since)| since.elapsed() < reservation);
        !owed.is_empty()
    }

    fn lock_owed(&self) -> MutexGuard<'_, Vec<(Settlement, Instant)>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.0.in_line.fetch_sub(1, Relaxed) == 1 {
            self.0.undecided.store(false, Relaxed);
        }
    }
}

/// The accounts with attempts under way on this node.
pub(super) struct LocalAccounts {
    shards: [Mutex<HashTable<Shared>>; SHARDS],
    background: Arc<Semaphore>,
}

/// An account, and how many attempts share its state.
struct Shared {
    digest: KeyedDigest,
    shares: usize,
    local: Arc<Local>,
}

impl Default for LocalAccounts {
    fn default() -> Self {
        Self {
            shards: [const { Mutex::new(HashTable::new()) }; SHARDS],
            background: Arc::new(Semaphore::new(MAX_OWED)),
        }
    }
}

/// One attempt's share in a [`Local`].
pub(super) struct LocalAccount<A: Deref<Target = LocalAccounts>> {
    local: Arc<Local>,
    digest: KeyedDigest,
    accounts: A,
}

impl LocalAccounts {
    /// A permit for a task that settles what is owed to one account.
    pub(super) fn background(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.background).try_acquire_owned().ok()
    }

    fn shard(&self, digest: &KeyedDigest) -> MutexGuard<'_, HashTable<Shared>> {
        self.shards[usize::from(digest[15]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the digest, because nobody can choose digests that collide in it.
fn hash(digest: &KeyedDigest) -> u64 {
    let (halves, _) = digest.as_chunks::<8>();
    u64::from_be_bytes(halves[0])
}

impl<A: Deref<Target = LocalAccounts>> LocalAccount<A> {
    pub(super) fn share(accounts: A, digest: KeyedDigest) -> Self {
        let mut shard = accounts.shard(&digest);
        let known = shard.entry(hash(&digest), |shared| shared.digest == digest, |shared| hash(&shared.digest));
        let mut shared = known.or_insert_with(|| Shared { digest, shares: 0, local: Arc::default() });
        shared.get_mut().shares += 1;
        let local = Arc::clone(&shared.get().local);
        drop(shard);
        Self { local, digest, accounts }
    }

    pub(super) fn digest(&self) -> KeyedDigest {
        self.digest
    }
}

impl<A: Deref<Target = LocalAccounts>> Deref for LocalAccount<A> {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

impl<A: Deref<Target = LocalAccounts>> Drop for LocalAccount<A> {
    fn drop(&mut self) {
        let mut shard = self.accounts.shard(&self.digest);
        if let Ok(mut shared) = shard.find_entry(hash(&self.digest), |shared| shared.digest == self.digest) {
            shared.get_mut().shares -= 1;
            if shared.get().shares == 0 {
                shared.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_state_is_shared_until_the_last_attempt_is_over() {
        let local_accounts = LocalAccounts::default();
        let [one, two, other] = [1, 1, 2].map(|account| LocalAccount::share(&local_accounts, [account; 16]));
        assert!(Arc::ptr_eq(&one.local, &two.local));
        assert!(!Arc::ptr_eq(&one.local, &other.local));
        drop((one, other));
        assert!(Arc::ptr_eq(&two.local, &LocalAccount::share(&local_accounts, [1; 16]).local));
        drop(two);
        assert!(local_accounts.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }

    /// Otherwise no later settlement would be the only one, and none would be settled.
    #[test]
    fn a_settlement_after_all_were_dropped_is_the_only_one() {
        let (local, settlement) = (Local::default(), Settlement { id: 1, at: 0, failed: true });
        assert!(local.add_debt(settlement) && !local.add_debt(settlement));
        local.drop_all();
        assert!(local.owed().is_empty() && local.add_debt(settlement));
    }

    #[test]
    fn the_number_of_places_in_line_is_limited() {
        let local = Local::default();
        let places: Vec<_> = (0..3).map(|_| local.enter(2)).collect();
        assert_eq!(places.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        drop(places);
        assert!(local.enter(1).is_some());
    }

    #[test]
    fn attempts_go_in_line_as_long_as_an_undecided_one_is() {
        let local = Local::default();
        assert!(local.see_at_once().is_some());
        let places = [local.enter(2), local.enter(2)];
        assert!(local.see_at_once().is_some(), "nobody is undecided");
        local.set_undecided();
        let [first, last] = places;
        drop(first);
        assert!(local.see_at_once().is_none());
        drop(last);
        assert!(local.see_at_once().is_some());
    }
}
