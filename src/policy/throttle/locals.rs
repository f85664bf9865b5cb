use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// What the attempts at one account share on this node, as long as there are any.
#[derive(Default)]
pub(super) struct Local {
    /// The account's value in the store as this node saw it last; nothing, if it has not. Whoever holds the lock is the
    /// one on this node who changes it.
    pub(super) seen: tokio::sync::Mutex<Option<Bytes>>,
    /// Told when an attempt on this node has ended.
    pub(super) settled: Notify,
}

/// The accounts with attempts under way on this node.
#[derive(Default)]
pub(super) struct Locals {
    by_key: Mutex<HashMap<String, (usize, Arc<Local>)>>,
}

/// One attempt's share in a [`Local`].
pub(super) struct LocalShare {
    local: Arc<Local>,
    key: String,
    locals: Arc<Locals>,
}

impl Locals {
    pub(super) fn share(self: &Arc<Self>, key: &str) -> LocalShare {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let (shares, local) = by_key.entry(key.to_owned()).or_default();
        *shares += 1;
        LocalShare { local: Arc::clone(local), key: key.to_owned(), locals: Arc::clone(self) }
    }
}

impl Deref for LocalShare {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

impl Drop for LocalShare {
    fn drop(&mut self) {
        let mut by_key = self.locals.by_key.lock().unwrap_or_else(PoisonError::into_inner);
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
        let locals = Arc::new(Locals::default());
        let (one, two, other) = (locals.share("a"), locals.share("a"), locals.share("b"));
        assert!(Arc::ptr_eq(&one.local, &two.local));
        assert!(!Arc::ptr_eq(&one.local, &other.local));
        drop((one, other));
        assert!(Arc::ptr_eq(&two.local, &locals.share("a").local));
        drop(two);
        assert!(locals.by_key.lock().unwrap().is_empty());
    }
}
