use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use metrics::{Histogram, Label, Unit, with_recorder};

use super::{METADATA, Registered, key};
use crate::store::{Store, StoreError};

const OPERATION_DURATION: &str = "tower_verify.store.operation.duration";

/// A store that times its operations and counts its errors with the crate [`metrics`](https://docs.rs/metrics).
///
/// An operation that is dropped before its end is not recorded. Clones share the registered metrics.
///
/// ```
/// use std::time::Duration;
///
/// use tower_verify::{
///     BoxError,
///     observe::MeteredStore,
///     store::{MemoryStore, Store},
/// };
///
/// # futures::executor::block_on(async {
/// let store = MeteredStore::new("sessions", MemoryStore::new()); // after the recorder is installed
/// store.put("session", "1234567".into(), Duration::from_secs(60)).await?;
/// assert_eq!(store.take("session").await?, Some("1234567".into()));
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MeteredStore<S> {
    store: S,
    name: &'static str,
    operations: Arc<Registered<(&'static str, Option<&'static str>), Histogram>>,
}

impl<S> MeteredStore<S> {
    /// Wraps `store`. The `name` is the store's name in the metrics.
    pub fn new(name: &'static str, store: S) -> Self {
        with_recorder(|recorder| {
            let description = "Time of a store's operation; with an `error.type`, of one that failed.";
            recorder.describe_histogram(OPERATION_DURATION.into(), Some(Unit::Seconds), description.into());
        });
        Self { store, name, operations: Arc::new(Registered::new()) }
    }

    async fn time<T>(
        &self,
        operation: &'static str,
        result: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let start = Instant::now();
        let result = result.await;
        let error = result.as_ref().err().map(|error| match error {
            StoreError::Full => "full",
            StoreError::Unavailable(_) => "unavailable",
        });
        let histogram = self.operations.get_or_register((operation, error), |(operation, error)| {
            let mut labels =
                vec![Label::from_static_parts("store", self.name), Label::from_static_parts("operation", operation)];
            labels.extend(error.map(|error| Label::from_static_parts("error.type", error)));
            with_recorder(|recorder| recorder.register_histogram(&key(OPERATION_DURATION, labels), &METADATA))
        });
        histogram.record(start.elapsed().as_secs_f64());
        result
    }
}

impl<S: Store> Store for MeteredStore<S> {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.time("get", self.store.get(key)).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.time("put", self.store.put(key, value, ttl)).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.time("claim", self.store.claim(key, value, ttl)).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.time("take", self.store.take(key)).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.time("replace", self.store.replace(key, expected, new, ttl)).await
    }
}
