//! A store whose values a target can replace, as a fault or another program would.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use tower_verify::store::{Store, StoreError};

/// A store of which clones share the values.
#[derive(Clone, Default)]
pub struct FuzzStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    values: HashMap<String, Bytes>,
    /// The value of a key that was never written.
    unwritten: Option<Bytes>,
    /// The operations until one fails.
    fails_after: Option<u8>,
}

impl FuzzStore {
    /// Gives every key that was never written this value.
    pub fn set_unwritten(&self, value: Option<&[u8]>) {
        self.state().unwritten = value.map(Bytes::copy_from_slice);
    }

    /// Lets the operation after so many others fail, once.
    pub fn fail_after(&self, operations: Option<u8>) {
        self.state().fails_after = operations;
    }

    /// The keys that have a value.
    pub fn keys(&self) -> Vec<String> {
        self.state().values.keys().cloned().collect()
    }

    pub fn value(&self, key: &str) -> Option<Bytes> {
        self.state().values.get(key).cloned()
    }

    pub fn set(&self, key: &str, value: Option<&[u8]>) {
        let mut state = self.state();
        match value {
            Some(value) => state.values.insert(key.to_owned(), Bytes::copy_from_slice(value)),
            None => state.values.remove(key),
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The state for one operation on `key`, or the failure of the operation.
    fn begin(&self, key: &str) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        match &mut state.fails_after {
            Some(0) => {
                state.fails_after = None;
                return Err(StoreError::unavailable("the target wants a failure"));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if let Some(value) = state.unwritten.clone() {
            state.values.entry(key.to_owned()).or_insert(value);
        }
        Ok(state)
    }
}

impl Store for FuzzStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.begin(key)?.values.get(key).cloned())
    }

    async fn put(&self, key: &str, value: Bytes, _: Duration) -> Result<(), StoreError> {
        self.begin(key)?.values.insert(key.to_owned(), value);
        Ok(())
    }

    async fn claim(&self, key: &str, value: Bytes, _: Duration) -> Result<Option<Bytes>, StoreError> {
        let mut state = self.begin(key)?;
        let present = state.values.get(key).cloned();
        if present.is_none() {
            state.values.insert(key.to_owned(), value);
        }
        Ok(present)
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let mut state = self.begin(key)?;
        // A key that was removed does not come back.
        state.unwritten = None;
        Ok(state.values.remove(key))
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, _: Duration) -> Result<bool, StoreError> {
        let mut state = self.begin(key)?;
        match state.values.get_mut(key) {
            Some(present) if *present == expected => *present = new,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
