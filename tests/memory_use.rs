//! The memory that a live entry of a [`MemoryStore`] takes.

use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use futures::FutureExt;
use tower_verify::store::{MemoryStore, Store};

#[test]
fn a_live_ticket_takes_less_than_250_bytes() {
    const TICKETS: i64 = 200_000;
    // The bytes that an allocator adds to an allocation for its bookkeeping and alignment.
    const ALLOCATOR: i64 = 16;

    let (store, value) = (MemoryStore::new(), Bytes::from(vec![7; 120]));
    let allocated = measure(|| {
        for number in 0..TICKETS {
            let key = format!("tt:{number:022}");
            store.put(&key, value.clone(), Duration::from_secs(300)).now_or_never().unwrap().unwrap();
        }
    });
    let bytes = allocated.bytes_current / TICKETS + ALLOCATOR;
    assert!((145..250).contains(&bytes), "a live ticket takes {bytes} bytes");
}
