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

/// How many attempts may be owed to one account, and to how many accounts something may be owed, while the store is away.
const MAX_OWED: usize = 1000;

/// The state that the attempts at one account share on this node, as long as there are any.
#[derive(Default)]
pub(super) struct Local {
    /// Held by the one attempt on this node that asks for a reservation and waits for it. The other attempts queue for it,
    /// first in, first out.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// How many hold it or are in line.
    in_line: AtomicUsize,
    /// The value in the store that the account is in, as this node saw it last; nothing, if it has not. Whoever holds the
    /// lock is the one attempt at this account on this node who changes it.
    pub(super) seen: tokio::sync::Mutex<Option<Bytes>>,
    /// Told when an attempt on this node has ended. One at a time waits for it.
    pub(super) settled: Notify,
    /// The attempts that are over, and whose reservation the store may still have.
    owed: Mutex<Vec<Settlement>>,
}

/// How an attempt ended.
#[derive(Clone, Copy)]
pub(super) struct Settlement {
    pub(super) id: u64,
    /// When it was reserved.
    pub(super) at: u64,
    pub(super) failed: bool,
    /// Since when the store has to be told.
    pub(super) since: Instant,
}

/// A place in line.
pub(super) struct InLine<'a>(&'a Local);

impl Local {
    /// A place in line, unless there are `most` attempts in it already.
    pub(super) fn enter(&self, most: usize) -> Option<InLine<'_>> {
        let entered = InLine(self);
        (self.in_line.fetch_add(1, Relaxed) < most).then_some(entered)
    }

    /// Notes that the store has to be told of `settlement`, unless there are too many already. Returns whether nobody is
    /// telling it of others by now.
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

    /// Drops what is owed for as long as `reservation`, which is no longer kept then. Returns whether there is more.
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
    /// A permit for a task that settles what is owed to an account.
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
    fn it_is_shared_until_the_last_attempt_is_over() {
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
    fn there_are_so_many_places_in_line_and_no_more() {
        let local = Local::default();
        let places: Vec<_> = (0..3).map(|_| local.enter(2)).collect();
        assert_eq!(places.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        drop(places);
        assert!(local.enter(1).is_some());
    }
}
