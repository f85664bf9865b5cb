//! The locks and atomics of the store: std's, or those of shuttle, which runs threads in many orders: see `shuttle/`.

#[cfg(not(shuttle))]
mod imp {
    pub(in super::super) use std::{
        hash::RandomState,
        sync::{Mutex, MutexGuard, atomic::AtomicU64},
    };

    /// The number of shards, each with its own lock.
    pub(in super::super) const SHARDS: usize = 128;
}

/// Two shards, so that threads compete, and a fixed hash key, so that a schedule can be replayed.
#[cfg(shuttle)]
mod imp {
    pub(in super::super) use shuttle::sync::{Mutex, MutexGuard, atomic::AtomicU64};

    pub(in super::super) type RandomState = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

    pub(in super::super) const SHARDS: usize = 2;
}

pub(super) use imp::*;
