//! State that has to outlive a request, and may have to be shared by several nodes: see [`Store`].

mod error;

use std::{future::Future, time::Duration};

use bytes::Bytes;

pub use self::error::StoreError;

/// A handful of atomic operations on values with a time to live.
///
/// Every operation is atomic on its own, on every node that shares the store: of any number of concurrent
/// [`take`](Self::take)s, [`claim`](Self::claim)s or [`replace`](Self::replace)s of one key, one succeeds. A value is
/// gone when its time to live is over. A store never drops a live value: when it is full, writing is an error.
///
/// Keys are short text that may be seen by an operator: no credential is ever part of one.
pub trait Store: Send + Sync + 'static {
    /// The value of `key`, if there is one.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Sets the value of `key`, whatever there was.
    fn put(&self, key: &str, value: Bytes, ttl: Duration) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sets the value of `key` if there is none. Returns the value that was there and still is, if there is one.
    fn claim(
        &self,
        key: &str,
        value: Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Removes the value of `key` and returns it.
    fn take(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Sets the value of `key` to `new` if it is `expected` now. Returns whether it was.
    fn replace(
        &self,
        key: &str,
        expected: Bytes,
        new: Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Adds `change` to the counter `key`, which never falls below zero nor overflows, and returns what it counts then.
    /// A counter that is not there is zero; `ttl` is set when it is made and not afterwards.
    fn count(&self, key: &str, change: i64, ttl: Duration) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
