//! The store alone, with values of 120 bytes.

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use tower_verify::store::{MemoryStore, Store};

use crate::{MILLION, memory_of_each, timed};

pub(crate) const TTL: Duration = Duration::from_secs(300);

/// Returns a key of 25 characters, as long as a prefix and 128 random bits.
pub(crate) fn key(number: u64) -> String {
    format!("tt:{:022x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub(crate) fn measure() {
    let store = MemoryStore::new();
    let value = Bytes::from(vec![7; 120]);
    memory_of_each("an entry", || {
        timed(MILLION, "put", |number| store.put(&key(number), value.clone(), TTL).now_or_never().unwrap().unwrap());
    });
    timed(MILLION, "get", |number| {
        assert!(black_box(store.get(&key(number)).now_or_never().unwrap().unwrap()).is_some())
    });
    timed(MILLION, "take", |number| {
        assert!(black_box(store.take(&key(number)).now_or_never().unwrap().unwrap()).is_some())
    });
    timed(MILLION, "put and take at once", |number| {
        store.put(&key(number), value.clone(), TTL).now_or_never().unwrap().unwrap();
        assert!(store.take(&key(number)).now_or_never().unwrap().unwrap().is_some());
    });
}
