use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// The state that the attempts at one account share on this node, as long as there are any.
#[derive(Default)]
pub(super) struct Local {
    /// The account's value in the store as this node saw it last; nothing, if it has not. Whoever holds the lock is the
    /// one on this node who changes it.
    pub(super) seen: tokio::sync::Mutex<Option<Bytes>>,
    /// Told when an attempt on this node has ended.
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
}

impl Local {
    /// Notes that the store has to be told of `settlement`. Returns whether nobody is telling it of others by now.
    pub(super) fn add_debt(&self, settlement: Settlement) -> bool {
        let mut owed = self.lock_owed();
        owed.push(settlement);
        owed.len() == 1
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

    /// Drops what was reserved until `time`. Returns whether there is more.
    pub(super) fn drop_expired(&self, time: u64) -> bool {
        let mut owed = self.lock_owed();
        owed.retain(|settlement| settlement.at > time);
        !owed.is_empty()
    }

    fn lock_owed(&self) -> MutexGuard<'_, Vec<Settlement>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The accounts with attempts under way on this node.
#[derive(Default)]
pub(super) struct LocalAccounts {
    by_key: Mutex<HashMap<String, (usize, Arc<Local>)>>,
}

/// One attempt's share in a [`Local`].
pub(super) struct LocalAccount {
    local: Arc<Local>,
    key: String,
    local_accounts: Arc<LocalAccounts>,
}

impl LocalAccounts {
    pub(super) fn share(self: &Arc<Self>, key: &str) -> LocalAccount {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let (shares, local) = by_key.entry(key.to_owned()).or_default();
        *shares += 1;
        LocalAccount { local: Arc::clone(local), key: key.to_owned(), local_accounts: Arc::clone(self) }
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
        let mut by_key = self.local_accounts.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((shares, _)) = by_key.get_mut(&self.key) {
            *shares -= 1;
            if *shares == 0 {
                by_key.remove(&self.key);
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
        let (one, two, other) = (local_accounts.share("a"), local_accounts.share("a"), local_accounts.share("b"));
        assert!(Arc::ptr_eq(&one.local, &two.local));
        assert!(!Arc::ptr_eq(&one.local, &other.local));
        drop((one, other));
        assert!(Arc::ptr_eq(&two.local, &local_accounts.share("a").local));
        drop(two);
        assert!(local_accounts.by_key.lock().unwrap().is_empty());
    }
}
