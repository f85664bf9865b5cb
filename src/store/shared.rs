use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Store, StoreError};

/// Any [`Store`], with its type erased.
///
/// Use it to choose a store at run time, or in a struct that should not be generic. Each operation costs one
/// allocation. Clones share the store.
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use tower_verify::store::{MemoryStore, SharedStore, Store, StoreError};
///
/// # futures::executor::block_on(async {
/// struct App {
///     tickets: SharedStore, // any store
/// }
///
/// let store = SharedStore::new(MemoryStore::new());
/// let app = App { tickets: store.clone() };
///
/// app.tickets.put("ticket:7", Bytes::from("ann"), Duration::from_secs(60)).await?;
/// assert_eq!(store.take("ticket:7").await?, Some(Bytes::from("ann")));
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
///
/// With the feature `redis`, use Redis if `REDIS_URL` is set, and memory otherwise:
///
/// ```no_run
/// # #[cfg(feature = "redis")]
/// # mod example {
/// use std::env;
/// use tower_verify::store::{MemoryStore, RedisStore, SharedStore, StoreError};
///
/// async fn store() -> Result<SharedStore, StoreError> {
///     Ok(match env::var_os("REDIS_URL") {
///         Some(_) => SharedStore::new(RedisStore::from_env().await?),
///         None => SharedStore::new(MemoryStore::new()),
///     })
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct SharedStore {
    store: Arc<dyn ErasedStore>,
}

impl SharedStore {
    /// Erases the type of `store`.
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store) }
    }
}

impl Store for SharedStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.store.get_boxed(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.store.put_boxed(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.store.claim_boxed(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.store.take_boxed(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.store.replace_boxed(key, expected, new, ttl).await
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").finish_non_exhaustive()
    }
}

type BoxOperation<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

trait ErasedStore: Send + Sync {
    fn get_boxed<'a>(&'a self, key: &'a str) -> BoxOperation<'a, Option<Bytes>>;
    fn put_boxed<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxOperation<'a, ()>;
    fn claim_boxed<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxOperation<'a, Option<Bytes>>;
    fn take_boxed<'a>(&'a self, key: &'a str) -> BoxOperation<'a, Option<Bytes>>;
    fn replace_boxed<'a>(&'a self, key: &'a str, expected: Bytes, new: Bytes, ttl: Duration) -> BoxOperation<'a, bool>;
}

impl<S: Store> ErasedStore for S {
    fn get_boxed<'a>(&'a self, key: &'a str) -> BoxOperation<'a, Option<Bytes>> {
        Box::pin(self.get(key))
    }

    fn put_boxed<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxOperation<'a, ()> {
        Box::pin(self.put(key, value, ttl))
    }

    fn claim_boxed<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxOperation<'a, Option<Bytes>> {
        Box::pin(self.claim(key, value, ttl))
    }

    fn take_boxed<'a>(&'a self, key: &'a str) -> BoxOperation<'a, Option<Bytes>> {
        Box::pin(self.take(key))
    }

    fn replace_boxed<'a>(&'a self, key: &'a str, expected: Bytes, new: Bytes, ttl: Duration) -> BoxOperation<'a, bool> {
        Box::pin(self.replace(key, expected, new, ttl))
    }
}
