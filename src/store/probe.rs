use std::time::Duration;

use bytes::Bytes;

use super::{Store, StoreError};

/// Tries the operations once, so that a server that cannot do them is found at the start.
pub(super) async fn probe(store: &impl Store) -> Result<(), StoreError> {
    let id = getrandom::u64().map_err(StoreError::unavailable)?;
    let (key, ttl) = (format!("probe:{id:x}"), Duration::from_secs(1));
    store.claim(&key, Bytes::from_static(b"1"), ttl).await?;
    store.replace(&key, Bytes::from_static(b"1"), Bytes::from_static(b"2"), ttl).await?;
    match store.take(&key).await? {
        Some(value) if value == "2" => Ok(()),
        _ => Err(StoreError::unavailable("the server did not return the value that was just written")),
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::store::MemoryStore;

    /// A server that confirms every operation, does none, and returns this.
    struct Liar(Option<&'static str>);

    impl Store for Liar {
        async fn get(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
            Ok(None)
        }

        async fn put(&self, _: &str, _: Bytes, _: Duration) -> Result<(), StoreError> {
            Ok(())
        }

        async fn claim(&self, _: &str, _: Bytes, _: Duration) -> Result<Option<Bytes>, StoreError> {
            Ok(None)
        }

        async fn take(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
            Ok(self.0.map(Bytes::from))
        }

        async fn replace(&self, _: &str, _: Bytes, _: Bytes, _: Duration) -> Result<bool, StoreError> {
            Ok(true)
        }
    }

    #[test]
    fn a_server_must_return_the_value_that_was_written_last() {
        block_on(probe(&MemoryStore::new())).unwrap();
        for value in [Some("1"), None] {
            assert!(block_on(probe(&Liar(value))).is_err());
        }
    }
}
