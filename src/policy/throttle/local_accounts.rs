use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::digest::KeyedDigest;

/// The limit of unsettled attempts at one account, and of accounts with unsettled attempts, while the store is
/// unavailable.
const MAX_OWED: usize = 1000;

/// The state that the attempts at one account share on this node, as long as there are any.
#[derive(Default)]
pub(super) struct Local {
    /// Held by the attempt on this node that asks for a reservation and waits for it. The other attempts queue for it,
    /// first in, first out.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// The number of attempts that hold `turn` or wait for it.
    in_line: AtomicUsize,
    /// The account's value in the store as this node saw it last, if it has. Only the holder of this lock changes the
    /// account on this node.
    pub(super) seen: tokio::sync::Mutex<Option<Bytes>>,
    /// Notified when an attempt on this node is settled. One attempt at a time waits for it.
    pub(super) settled: Notify,
    /// The finished attempts that may still be reserved in the store.
    owed: Mutex<Vec<Settlement>>,
}

/// How an attempt ended.
#[derive(Clone, Copy)]
pub(super) struct Settlement {
    pub(super) id: u64,
    /// When it was reserved.
    pub(super) at: u64,
    pub(super) failed: bool,
    /// Since when the settlement is owed to the store.
    pub(super) since: Instant,
}

/// A place in line.
pub(super) struct InLine<'a>(&'a Local);

impl Local {
    /// Takes a place in line, unless there are already `most` attempts in it.
    pub(super) fn enter(&self, most: usize) -> Option<InLine<'_>> {
        let entered = InLine(self);
        (self.in_line.fetch_add(1, Relaxed) < most).then_some(entered)
    }

    /// Adds a settlement that is owed to the store, unless there are too many. Returns whether it is the only one, so
    /// that no task is settling others yet.
    pub(super) fn add_debt(&self, settlement: Settlement) -> bool {
        let mut owed = self.lock_owed();
        if owed.len() < MAX_OWED {
            owed.push(settlement);
        }
        owed.len() == 1
    }

    /// Drops all that is owed.
    pub(super) fn drop_all(&self) {
        self.lock_owed().clear();
    }

    pub(super) fn owed(&self) -> Vec<Settlement> {
        self.lock_owed().clone()
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
        owed.retain(|settlement| settlement.since.elapsed() < reservation);
        !owed.is_empty()
    }

    fn lock_owed(&self) -> MutexGuard<'_, Vec<Settlement>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.in_line.fetch_sub(1, Relaxed);
    }
}

/// The accounts with attempts under way on this node.
pub(super) struct LocalAccounts {
    by_digest: Mutex<HashMap<KeyedDigest, (usize, Arc<Local>)>>,
    background: Arc<Semaphore>,
}

impl Default for LocalAccounts {
    fn default() -> Self {
        Self { by_digest: Mutex::default(), background: Arc::new(Semaphore::new(MAX_OWED)) }
    }
}

/// One attempt's share in a [`Local`].
pub(super) struct LocalAccount {
    local: Arc<Local>,
    digest: KeyedDigest,
    local_accounts: Arc<LocalAccounts>,
}

impl LocalAccounts {
    /// A permit for a task that settles what is owed to one account.
    pub(super) fn background(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.background).try_acquire_owned().ok()
    }

    pub(super) fn share(self: &Arc<Self>, digest: KeyedDigest) -> LocalAccount {
        let mut by_digest = self.by_digest.lock().unwrap_or_else(PoisonError::into_inner);
        let (shares, local) = by_digest.entry(digest).or_default();
        *shares += 1;
        LocalAccount { local: Arc::clone(local), digest, local_accounts: Arc::clone(self) }
    }
}

impl Deref for LocalAccount {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

impl Drop for LocalAccount {
    fn drop(&mut self) {
        let mut by_digest = self.local_accounts.by_digest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((shares, _)) = by_digest.get_mut(&self.digest) {
            *shares -= 1;
            if *shares == 0 {
                by_digest.remove(&self.digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_state_is_shared_until_the_last_attempt_is_over() {
        let local_accounts = Arc::new(LocalAccounts::default());
        let [one, two, other] = [1, 1, 2].map(|account| local_accounts.share([account; 16]));
        assert!(Arc::ptr_eq(&one.local, &two.local));
        assert!(!Arc::ptr_eq(&one.local, &other.local));
        drop((one, other));
        assert!(Arc::ptr_eq(&two.local, &local_accounts.share([1; 16]).local));
        drop(two);
        assert!(local_accounts.by_digest.lock().unwrap().is_empty());
    }

    #[test]
    fn the_number_of_places_in_line_is_limited() {
        let local = Local::default();
        let places: Vec<_> = (0..3).map(|_| local.enter(2)).collect();
        assert_eq!(places.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        drop(places);
        assert!(local.enter(1).is_some());
    }
}
