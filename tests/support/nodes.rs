//! Several nodes as one store.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use tower_verify::store::{Store, StoreError};

/// A store that sends each operation to the next of several nodes. The nodes share a server.
pub(crate) struct Nodes<S> {
    nodes: Vec<S>,
    next: AtomicUsize,
}

impl<S> Nodes<S> {
    pub(crate) fn new(nodes: Vec<S>) -> Self {
        Self { nodes, next: AtomicUsize::new(0) }
    }

    fn next(&self) -> &S {
        &self.nodes[self.next.fetch_add(1, Ordering::Relaxed) % self.nodes.len()]
    }
}

impl<S: Store> Store for Nodes<S> {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.next().get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.next().put(key, value, ttl).await
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.next().claim(key, value, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.next().take(key).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.next().replace(key, expected, new, ttl).await
    }
}
