mod room;
mod shard;
mod sync;

use std::{
    fmt,
    hash::BuildHasher,
    sync::{Arc, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;

use self::{
    room::{Room, Size},
    shard::{Entry, Shard},
    sync::{AtomicU64, Mutex, MutexGuard, RandomState, SHARDS},
};
use super::{Store, StoreError, ttl_millis};
use crate::{Clock, SystemClock, clock::millis};

/// How many expired entries an operation removes, at most, from the shard that it works on. It adds at most one entry,
/// so the number of expired ones shrinks.
const SWEPT: usize = 2;

/// A [`Store`] in this process's memory, for one node.
///
/// Its values are lost when the process ends. The number of entries and their size are limited. When the store is full,
/// writing is [`StoreError::Full`] until a value is taken or expires: a live value is never dropped.
///
/// Each write or take removes a few expired entries. There is no cleanup thread or task, and no pause to scan all of
/// them.
///
/// Time is measured by the monotonic clock, so that setting the wall clock neither extends nor shortens a time to live.
///
/// Keys are hashed with a random key, so that nobody can choose keys that collide.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use bytes::Bytes;
/// use tower_verify::{ManualClock, store::{MemoryStore, Store, StoreError}};
///
/// # futures::executor::block_on(async {
/// let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
/// let store = MemoryStore::new().max_entries(1).clock(clock.clone());
/// let minute = Duration::from_secs(60);
///
/// store.put("ticket:7", Bytes::from("ann"), minute).await?;
/// assert!(matches!(store.put("ticket:8", Bytes::from("bob"), minute).await, Err(StoreError::Full)));
///
/// clock.advance(minute);
/// assert_eq!(store.get("ticket:7").await?, None);
/// store.put("ticket:8", Bytes::from("bob"), minute).await?;
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
pub struct MemoryStore {
    shards: Box<[Guarded]>,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
    room: Room,
}

struct Guarded {
    shard: Mutex<Shard>,
    /// When the shard's first entry expires, or a time before that. It can be read without the lock.
    earliest: AtomicU64,
}

/// The effect of a write on the entry that it found.
enum Change<T> {
    Keep(T),
    Set { value: Bytes, deadline: u64, result: T },
}

impl MemoryStore {
    /// Creates an empty store of at most 1,000,000 entries and 256 MiB.
    pub fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Guarded::new()).collect(),
            hasher: RandomState::default(),
            clock: Arc::new(SystemClock),
            room: Room::new(1_000_000, 256 << 20),
        }
    }

    /// Sets the maximum number of entries.
    ///
    /// The default is 1,000,000; the largest possible is [`u32::MAX`].
    pub fn max_entries(mut self, max_entries: usize) -> Self {
        self.room.set_max_entries(max_entries);
        self
    }

    /// Sets the maximum size of all entries in bytes.
    ///
    /// Each entry counts as its key, its value and 80 bytes of overhead, rounded up to a multiple of 16. The default is
    /// 256 MiB; the largest possible is 64 GiB.
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.room.set_max_bytes(max_bytes);
        self
    }

    /// Measures time by the monotonic time of `clock`.
    ///
    /// The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Applies `change` to the entry of `key`. Calls it again each time that room had to be made.
    fn write<T>(&self, key: &str, mut change: impl FnMut(Option<&Entry>, u64) -> Change<T>) -> Result<T, StoreError> {
        let hash = self.hash(key.as_bytes());
        let mut nothing_expired = false;
        loop {
            let now = self.now();
            let guarded = self.guarded(hash);
            let mut shard = guarded.lock();
            self.sweep(&mut shard, now);
            let present = shard.get(hash, key);
            let (value, deadline, result) = match change(present.filter(|entry| entry.is_live(now)), now) {
                Change::Keep(result) => return Ok(result),
                Change::Set { value, deadline, result } => (value, deadline, result),
            };
            if deadline <= now {
                // The value would be gone at once.
                self.remove(&mut shard, hash, key.as_bytes());
                guarded.earliest.store(shard.earliest(), Relaxed);
                return Ok(result);
            }
            let present = present.map_or(Size::NOTHING, |entry| Size::of(entry.len()));
            let entry = Entry::new(key, &value, deadline).ok_or(StoreError::Full)?;
            if self.room.resize(present, Size::of(entry.len())) {
                shard.set(hash, entry, |key| self.hash(key));
                guarded.earliest.store(shard.earliest(), Relaxed);
                return Ok(result);
            }
            if nothing_expired {
                return Err(StoreError::Full);
            }
            // The lock is released first, so that two writers that look for room never wait for each other's shards.
            drop(shard);
            // If no expired entry is left, another writer may have made room meanwhile: try once more.
            nothing_expired = !self.expire_one_anywhere(now);
        }
    }

    /// The monotonic time in milliseconds.
    fn now(&self) -> u64 {
        millis(self.clock.monotonic())
    }

    fn sweep(&self, shard: &mut Shard, now: u64) {
        for _ in 0..SWEPT {
            if !self.expire_one(shard, now) {
                return;
            }
        }
    }

    fn expire_one(&self, shard: &mut Shard, now: u64) -> bool {
        let Some(expired) = shard.expired(now) else { return false };
        let key = expired.key().to_owned();
        self.remove(shard, self.hash(&key), &key).is_some()
    }

    /// Removes one expired entry from any shard.
    fn expire_one_anywhere(&self, now: u64) -> bool {
        self.shards.iter().filter(|guarded| guarded.earliest.load(Relaxed) <= now).any(|guarded| {
            let mut shard = guarded.lock();
            let expired = self.expire_one(&mut shard, now);
            guarded.earliest.store(shard.earliest(), Relaxed);
            expired
        })
    }

    fn remove(&self, shard: &mut Shard, hash: u64, key: &[u8]) -> Option<Entry> {
        let entry = shard.remove(hash, key)?;
        self.room.free(Size::of(entry.len()));
        Some(entry)
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Chooses a shard by bits in the middle of the hash, as the shard's table uses the low and the high bits.
    fn guarded(&self, hash: u64) -> &Guarded {
        &self.shards[(hash >> 40) as usize % SHARDS]
    }
}

impl Guarded {
    fn new() -> Self {
        Self { shard: Mutex::default(), earliest: AtomicU64::new(u64::MAX) }
    }

    fn lock(&self) -> MutexGuard<'_, Shard> {
        lock(&self.shard)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn value(entry: &Entry) -> Bytes {
    Bytes::copy_from_slice(entry.value())
}

impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let hash = self.hash(key.as_bytes());
        let now = self.now();
        let shard = self.guarded(hash).lock();
        Ok(shard.get(hash, key).filter(|entry| entry.is_live(now)).map(value))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.write(key, |_, now| Change::Set { value: value.clone(), deadline: deadline(now, ttl), result: () })
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.write(key, |present, now| match present {
            Some(present) => Change::Keep(Some(self::value(present))),
            None => Change::Set { value: value.clone(), deadline: deadline(now, ttl), result: None },
        })
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let hash = self.hash(key.as_bytes());
        let now = self.now();
        let guarded = self.guarded(hash);
        let mut shard = guarded.lock();
        self.sweep(&mut shard, now);
        let taken = self.remove(&mut shard, hash, key.as_bytes());
        guarded.earliest.store(shard.earliest(), Relaxed);
        Ok(taken.filter(|entry| entry.is_live(now)).as_ref().map(value))
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        self.write(key, |present, now| match present {
            Some(present) if present.value() == expected => {
                Change::Set { value: new.clone(), deadline: deadline(now, ttl), result: true }
            }
            _ => Change::Keep(false),
        })
    }
}

/// A value with a time to live of zero is gone at once.
fn deadline(now: u64, ttl: Duration) -> u64 {
    if ttl.is_zero() { now } else { now.saturating_add(ttl_millis(ttl)) }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, bytes) = self.room.used();
        f.debug_struct("MemoryStore")
            .field("max_entries", &self.room.max_entries())
            .field("max_bytes", &self.room.max_bytes())
            .field("entries", &entries)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
