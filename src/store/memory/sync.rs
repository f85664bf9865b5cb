//! The locks and atomics of the store: std's, or those of shuttle, which runs threads in many orders: see `shuttle/`.

#[cfg(not(shuttle))]
mod imp {
    pub(in super::super) use std::{
        hash::RandomState,
        sync::{Mutex, MutexGuard, atomic::AtomicU64},
    };

    /// How many parts the entries are in, each under a lock of its own.
    pub(in super::super) const SHARDS: usize = 128;
}

/// Two shards, so that threads meet, and a key that is always the same, so that a schedule can be replayed.
#[cfg(shuttle)]
mod imp {
    pub(in super::super) use shuttle::sync::{Mutex, MutexGuard, atomic::AtomicU64};

    pub(in super::super) type RandomState = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

    pub(in super::super) const SHARDS: usize = 2;
}

pub(super) use imp::*;
