//! State that outlives a request and can be shared by several nodes: see [`Store`].
//!
//! [`MemoryStore`] is for one node; [`RedisStore`] and [`PostgresStore`] are for any number of them. Redis can lose a
//! write that it confirmed when it crashes or fails over, so that a ticket can be redeemed twice. Where that must never
//! happen, choose PostgreSQL, with a synchronous standby if you have one. [`SharedStore`] lets you choose at run time,
//! and [`conformance::check`] tests a store of your own.
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use tower_verify::store::{MemoryStore, Store, StoreError};
//!
//! # futures::executor::block_on(async {
//! let store = MemoryStore::new();
//! store.put("ticket:7", Bytes::from("ann"), Duration::from_secs(60)).await?;
//! assert_eq!(store.take("ticket:7").await?, Some(Bytes::from("ann")));
//! assert_eq!(store.take("ticket:7").await?, None);
//! # Ok::<(), StoreError>(()) }).unwrap();
//! ```
#![cfg_attr(not(feature = "redis"), doc = "\n[`RedisStore`]: crate#features")]
#![cfg_attr(not(feature = "postgres"), doc = "\n[`PostgresStore`]: crate#features")]

#[cfg(feature = "token")]
mod background;
pub mod conformance;
mod error;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod probe;
#[cfg(feature = "redis")]
mod redis;
mod shared;

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;

#[cfg(feature = "token")]
pub use self::background::Background;
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresConfig, PostgresStore};
#[cfg(feature = "redis")]
pub use self::redis::{RedisConfig, RedisStore};
pub use self::{error::StoreError, memory::MemoryStore, shared::SharedStore};

/// Atomic operations on values with a time to live.
///
/// Each operation is atomic on all nodes that share the store: if any number of [`take`](Self::take)s,
/// [`claim`](Self::claim)s or [`replace`](Self::replace)s of one key run at the same time, one succeeds. A value is
/// gone when its time to live is over. A store never drops a live value: when it is full, writing is an error.
///
/// Keys are short text that operators may see: they never contain a credential. Values are any bytes, and may be empty.
/// A time to live is rounded up to whole milliseconds, and is at least 1 ms.
///
/// After an error it is unknown whether the operation was done: the store may have done it and failed to confirm it. A
/// store does not repeat an operation that may have been done, unless it is idempotent.
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use tower_verify::store::{MemoryStore, Store, StoreError};
///
/// # futures::executor::block_on(async {
/// let store = MemoryStore::new();
/// let (key, minute) = ("ticket:7", Duration::from_secs(60));
/// let (ann, bob) = (Bytes::from("ann"), Bytes::from("bob"));
///
/// assert_eq!(store.claim(key, ann.clone(), minute).await?, None); // set: nothing was there
/// assert_eq!(store.claim(key, bob.clone(), minute).await?, Some(ann.clone())); // not set
/// assert!(store.replace(key, ann.clone(), bob.clone(), minute).await?); // it was `ann`
/// assert!(!store.replace(key, ann.clone(), bob.clone(), minute).await?); // now it is `bob`
/// assert_eq!(store.take(key).await?, Some(bob));
/// assert_eq!(store.get(key).await?, None);
/// store.put(key, ann, minute).await?;
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
///
/// # A store of your own
///
/// Implement the five operations with `async fn`, and test them with [`conformance::check`]. This one puts a tenant's
/// name before every key of another store:
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use tower_verify::store::{Store, StoreError};
///
/// struct TenantStore<S> {
///     tenant: String,
///     store: S,
/// }
///
/// impl<S> TenantStore<S> {
///     fn key(&self, key: &str) -> String {
///         format!("{}:{key}", self.tenant)
///     }
/// }
///
/// impl<S: Store> Store for TenantStore<S> {
///     async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
///         self.store.get(&self.key(key)).await
///     }
///
///     async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
///         self.store.put(&self.key(key), value, ttl).await
///     }
///
///     async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
///         self.store.claim(&self.key(key), value, ttl).await
///     }
///
///     async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
///         self.store.take(&self.key(key)).await
///     }
///
///     async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
///         self.store.replace(&self.key(key), expected, new, ttl).await
///     }
/// }
/// # use tower_verify::{ManualClock, store::{MemoryStore, conformance}};
/// # let clock = ManualClock::new(std::time::SystemTime::UNIX_EPOCH);
/// # let store = TenantStore { tenant: "acme".to_owned(), store: MemoryStore::new().clock(clock.clone()) };
/// # let conforms = conformance::check(store, tokio::spawn, async |time| clock.advance(time));
/// # tokio::runtime::Runtime::new().unwrap().block_on(conforms);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Store`",
    label = "cannot keep values with a time to live",
    note = "the stores of this crate are in `tower_verify::store`; your own implements `Store`",
    note = "an `Arc` of a store is a store, and clones of a `SharedStore` share one"
)]
pub trait Store: Send + Sync + 'static {
    /// Returns the value of `key`, if there is one.
    ///
    /// # Errors
    /// If the store is unavailable.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Sets the value of `key`, and overwrites a present one.
    ///
    /// # Errors
    /// If the store is full or unavailable.
    fn put(&self, key: &str, value: Bytes, ttl: Duration) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sets the value of `key` if there is none.
    ///
    /// Returns the present value, which stays, or `None` if the new value was set.
    ///
    /// # Errors
    /// If the store is full or unavailable.
    fn claim(
        &self,
        key: &str,
        value: Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Removes the value of `key` and returns it.
    ///
    /// # Errors
    /// If the store is unavailable.
    fn take(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Sets the value of `key` to `new`, and its time to live to `ttl`, if the present value is `expected`.
    ///
    /// Returns whether it was.
    ///
    /// # Errors
    /// If the store is full or unavailable.
    fn replace(
        &self,
        key: &str,
        expected: Bytes,
        new: Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

impl<S: Store> Store for Arc<S> {
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send {
        (**self).get(key)
    }

    fn put(&self, key: &str, value: Bytes, ttl: Duration) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).put(key, value, ttl)
    }

    fn claim(
        &self,
        key: &str,
        value: Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send {
        (**self).claim(key, value, ttl)
    }

    fn take(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send {
        (**self).take(key)
    }

    fn replace(
        &self,
        key: &str,
        expected: Bytes,
        new: Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        (**self).replace(key, expected, new, ttl)
    }
}

/// A time to live in whole milliseconds: rounded up, at least one, and small enough to be added to any time.
fn ttl_millis(ttl: Duration) -> u64 {
    const LONGEST: u64 = 1 << 62;

    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(LONGEST).clamp(1, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_rounded_up_to_milliseconds() {
        assert_eq!(ttl_millis(Duration::ZERO), 1);
        assert_eq!(ttl_millis(Duration::from_nanos(1)), 1);
        assert_eq!(ttl_millis(Duration::from_millis(7)), 7);
        assert_eq!(ttl_millis(Duration::from_nanos(7_000_001)), 8);
        assert_eq!(ttl_millis(Duration::MAX), 1 << 62);
    }
}
