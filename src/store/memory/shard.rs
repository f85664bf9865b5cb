use hashbrown::HashTable;
use slab::Slab;

/// A part of the entries, under one lock: a map by key, and a queue by deadline.
///
/// The index and the queue refer to entries by their numbers in the slab. An entry costs one allocation, for its key
/// and its value together, and about 70 bytes of overhead.
#[derive(Default)]
pub(super) struct Shard {
    index: HashTable<u32>,
    entries: Slab<Entry>,
    /// A heap with four children per node and the earliest deadline on top. Each entry knows its place in the heap, so
    /// that an entry that is removed before its deadline leaves nothing behind.
    queue: Vec<Queued>,
}

/// Repeats the deadline, so that the heap compares neighbours in memory: the entries themselves are scattered.
#[derive(Clone, Copy)]
struct Queued {
    deadline: u64,
    id: u32,
}

pub(super) struct Entry {
    key_then_value: Box<[u8]>,
    key_len: u32,
    place: u32,
    deadline: u64,
}

impl Entry {
    /// Creates an entry, or returns `None` if the key is longer than `u32::MAX` bytes.
    pub(super) fn new(key: &str, value: &[u8], deadline: u64) -> Option<Self> {
        let key_len = u32::try_from(key.len()).ok()?;
        let mut key_then_value = Vec::with_capacity(key.len() + value.len());
        key_then_value.extend_from_slice(key.as_bytes());
        key_then_value.extend_from_slice(value);
        Some(Self { key_then_value: key_then_value.into_boxed_slice(), key_len, place: 0, deadline })
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key_then_value[..self.key_len as usize]
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.key_then_value[self.key_len as usize..]
    }

    /// The length of key and value in bytes.
    pub(super) fn len(&self) -> usize {
        self.key_then_value.len()
    }

    pub(super) fn is_live(&self, now: u64) -> bool {
        now < self.deadline
    }
}

impl Shard {
    /// The entry of `key`, expired or not.
    pub(super) fn get(&self, hash: u64, key: &str) -> Option<&Entry> {
        let id = self.index.find(hash, |id| self.entries[*id as usize].key() == key.as_bytes())?;
        Some(&self.entries[*id as usize])
    }

    /// Adds `entry`. Returns the entry of the same key that it replaces, if there is one. When the index grows,
    /// `rehash` hashes every key of the shard again.
    pub(super) fn set(&mut self, hash: u64, entry: Entry, rehash: impl Fn(&[u8]) -> u64) -> Option<Entry> {
        let entries = &mut self.entries;
        if let Some(&id) = self.index.find(hash, |id| entries[*id as usize].key() == entry.key()) {
            let queued = Queued { deadline: entry.deadline, id };
            let replaced = std::mem::replace(&mut entries[id as usize], entry);
            self.settle(replaced.place as usize, queued);
            return Some(replaced);
        }
        entries.reserve_exact(growth(entries.len(), entries.capacity()));
        self.queue.reserve_exact(growth(self.queue.len(), self.queue.capacity()));
        let deadline = entry.deadline;
        let id = narrow(entries.insert(entry));
        self.index.insert_unique(hash, id, |id| rehash(entries[*id as usize].key()));
        let queued = Queued { deadline, id };
        self.queue.push(queued);
        self.settle(self.queue.len() - 1, queued);
        None
    }

    /// Removes the entry of `key`, expired or not.
    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry> {
        let found = self.index.find_entry(hash, |id| self.entries[*id as usize].key() == key);
        let (id, _) = found.ok()?.remove();
        let entry = self.entries.remove(id as usize);
        let place = entry.place as usize;
        self.queue.swap_remove(place);
        if let Some(&moved) = self.queue.get(place) {
            self.settle(place, moved);
        }
        Some(entry)
    }

    /// The entry with the earliest deadline, if it has expired by `now`.
    pub(super) fn expired(&self, now: u64) -> Option<&Entry> {
        self.queue.first().filter(|queued| queued.deadline <= now).map(|queued| &self.entries[queued.id as usize])
    }

    /// The earliest deadline, or `u64::MAX` if there is no entry.
    pub(super) fn earliest(&self) -> u64 {
        self.queue.first().map_or(u64::MAX, |queued| queued.deadline)
    }

    /// Moves `queued` from `place` up or down the heap to where it belongs.
    fn settle(&mut self, mut place: usize, queued: Queued) {
        while place > 0 && queued.deadline < self.queue[(place - 1) / 4].deadline {
            self.put(place, self.queue[(place - 1) / 4]);
            place = (place - 1) / 4;
        }
        loop {
            let children = 4 * place + 1..self.queue.len().min(4 * place + 5);
            let Some(child) = children.min_by_key(|child| self.queue[*child].deadline) else { break };
            if queued.deadline <= self.queue[child].deadline {
                break;
            }
            self.put(place, self.queue[child]);
            place = child;
        }
        self.put(place, queued);
    }

    fn put(&mut self, place: usize, queued: Queued) {
        self.queue[place] = queued;
        self.entries[queued.id as usize].place = narrow(place);
    }
}

/// A store holds no more than `u32::MAX` entries.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("a store holds no more entries than a u32 can count")
}

/// For how many more entries a list of this length and capacity gets room: for a quarter more, where a `Vec` would double.
/// At a million entries this saves as much as keys and values take.
fn growth(len: usize, capacity: usize) -> usize {
    if len == capacity { len / 4 + 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Only three hashes, so that most keys collide.
    fn hash(key: &[u8]) -> u64 {
        u64::from(key[0] % 3)
    }

    fn set(shard: &mut Shard, key: &str, deadline: u64) -> bool {
        let entry = Entry::new(key, key.as_bytes(), deadline).unwrap();
        shard.set(hash(key.as_bytes()), entry, hash).is_some()
    }

    proptest! {
        #[test]
        fn it_is_a_map_ordered_by_deadline(steps in prop::collection::vec((0..40u8, 0..1000u64, 0..3u8), 1..300)) {
            let mut shard = Shard::default();
            let mut model = std::collections::BTreeMap::new();
            for (number, deadline, step) in steps {
                let key = char::from(b'0' + number).to_string();
                if step < 2 {
                    prop_assert_eq!(set(&mut shard, &key, deadline), model.insert(key, deadline).is_some());
                } else {
                    let removed = shard.remove(hash(key.as_bytes()), key.as_bytes());
                    prop_assert_eq!(removed.map(|entry| entry.deadline), model.remove(&key));
                }
                prop_assert_eq!(shard.earliest(), model.values().min().copied().unwrap_or(u64::MAX));
            }
            for (key, deadline) in &model {
                let entry = shard.get(hash(key.as_bytes()), key).unwrap();
                prop_assert_eq!((entry.key(), entry.value()), (key.as_bytes(), key.as_bytes()));
                prop_assert_eq!(entry.deadline, *deadline);
            }
            let mut deadlines: Vec<u64> = model.values().copied().collect();
            deadlines.sort_unstable();
            for deadline in deadlines {
                prop_assert!(shard.expired(deadline.wrapping_sub(1)).is_none() || deadline == 0);
                let key = shard.expired(deadline).unwrap().key().to_owned();
                prop_assert_eq!(shard.remove(hash(&key), &key).unwrap().deadline, deadline);
            }
            prop_assert_eq!(shard.earliest(), u64::MAX);
        }
    }
}
