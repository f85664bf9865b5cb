use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use super::record::{Record, Rules};

/// The most accounts in one value of the store.
pub(super) const SLOTS: usize = 8;

/// The version of the encoding.
const VERSION: u8 = 1;

/// The accounts that share one value of the store. They are read and changed together, atomically.
///
/// The number of buckets is fixed, however many accounts somebody makes up. When a bucket is full, the account with the
/// fewest failures is evicted.
#[derive(Default)]
pub(super) struct Bucket {
    slots: Vec<Slot>,
}

/// An account. Its record is decoded only when it is needed.
struct Slot {
    tag: u64,
    /// When the record has no more effect, in milliseconds since the Unix epoch.
    over_at: u64,
    weight: u32,
    record: Bytes,
}

impl Bucket {
    /// Decodes a bucket. Returns `None` if `value` is not a bucket, or has another version.
    pub(super) fn decode(mut value: Bytes) -> Option<Self> {
        if value.try_get_u8().ok()? != VERSION {
            return None;
        }
        let mut slots = Vec::with_capacity(SLOTS);
        while value.has_remaining() {
            let (tag, over_at) = (value.try_get_u64().ok()?, value.try_get_u64().ok()?);
            let (weight, len) = (value.try_get_u32().ok()?, value.try_get_u32().ok()? as usize);
            if len > value.len() || slots.len() == SLOTS {
                return None;
            }
            slots.push(Slot { tag, over_at, weight, record: value.split_to(len) });
        }
        Some(Self { slots })
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut value = Vec::with_capacity(1 + self.slots.iter().map(|slot| 24 + slot.record.len()).sum::<usize>());
        value.put_u8(VERSION);
        for slot in &self.slots {
            value.put_u64(slot.tag);
            value.put_u64(slot.over_at);
            value.put_u32(slot.weight);
            value.put_u32(u32::try_from(slot.record.len()).expect("a record is far smaller"));
            value.put_slice(&slot.record);
        }
        value.into()
    }

    /// The record of the account `tag`, which is empty if there is no such account. `None` if it cannot be decoded.
    pub(super) fn record(&self, tag: u64) -> Option<Record> {
        match self.slots.iter().find(|slot| slot.tag == tag) {
            Some(slot) => Record::decode(&slot.record),
            None => Some(Record::default()),
        }
    }

    /// Sets the record of the account `tag`, and drops accounts whose records have no more effect.
    pub(super) fn set(&mut self, tag: u64, record: &Record, now: u64, rules: &Rules) {
        self.slots.retain(|slot| slot.tag != tag && now < slot.over_at);
        let over_at = record.over_at(rules);
        if over_at <= now {
            return;
        }
        if self.slots.len() == SLOTS {
            let lightest = (0..SLOTS).min_by_key(|slot| (self.slots[*slot].weight, self.slots[*slot].over_at));
            self.slots.swap_remove(lightest.expect("there are some"));
        }
        let mut encoded = Vec::with_capacity(64);
        record.encode(&mut encoded);
        self.slots.push(Slot { tag, over_at, weight: record.weight(rules), record: encoded.into() });
    }

    /// How long any record of the bucket still has an effect.
    pub(super) fn ttl(&self, now: u64) -> Duration {
        let over_at = self.slots.iter().map(|slot| slot.over_at).max().unwrap_or(0);
        Duration::from_millis(over_at.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules { limit: 3, window: 60_000, first_wait: 1000, longest_wait: 5000, reservation: 30_000 };

    /// A record with this many failures, each after the wait of the one before.
    fn failed(failures: usize) -> Record {
        let mut record = Record::default();
        for failure in 0..failures as u64 {
            record.reserve(failure, 6000 * failure, &RULES);
            record.settle(failure, true, 0, 6000 * failure, &RULES);
        }
        record
    }

    #[test]
    fn the_account_with_the_fewest_failures_is_evicted() {
        let now = 30_000;
        let mut bucket = Bucket::default();
        for (tag, failures) in [(1, 4), (2, 2), (3, 1), (4, 3), (5, 2), (6, 5), (7, 2), (8, 2)] {
            bucket.set(tag, &failed(failures), now, &RULES);
        }
        bucket.set(9, &failed(2), now, &RULES);
        let known = |bucket: &Bucket, tag| bucket.record(tag).unwrap() != Record::default();
        assert_eq!((1..10).filter(|tag| !known(&bucket, *tag)).collect::<Vec<_>>(), [3]);
        for tag in 10..1000 {
            bucket.set(tag, &failed(1), now, &RULES);
        }
        let heavier: Vec<_> = (1..10).filter(|tag| known(&bucket, *tag)).collect();
        assert_eq!(heavier.len(), SLOTS - 1, "the newest account is there");
        assert!([1, 4, 6].iter().all(|tag| heavier.contains(tag)), "{heavier:?}");
    }

    #[test]
    fn records_without_effect_are_dropped() {
        let mut bucket = Bucket::default();
        for tag in 0..8 {
            bucket.set(tag, &failed(if tag == 5 { 9 } else { 1 }), 0, &RULES);
        }
        let last = bucket.slots.iter().map(|slot| slot.over_at).max().unwrap();
        assert_eq!(bucket.ttl(0), Duration::from_millis(last));
        bucket.set(8, &Record::default(), last, &RULES);
        assert_eq!((bucket.slots.len(), bucket.ttl(last)), (0, Duration::ZERO));
    }

    proptest! {
        #[test]
        fn a_bucket_survives_its_encoding(accounts in prop::collection::vec((any::<u64>(), 0..6usize, 0..3u64), 0..8)) {
            let mut bucket = Bucket::default();
            let mut records = Vec::new();
            for (tag, failures, reservations) in accounts {
                let mut record = failed(failures);
                for id in 0..reservations {
                    record.reserve(id ^ tag, 6000 * failures as u64, &RULES);
                }
                bucket.set(tag, &record, 0, &RULES);
                records.retain(|(other, _)| *other != tag);
                records.push((tag, record));
            }
            let decoded = Bucket::decode(bucket.encode()).unwrap();
            for (tag, record) in records {
                prop_assert_eq!(decoded.record(tag).unwrap(), record);
            }
            prop_assert_eq!(decoded.ttl(0), bucket.ttl(0));
        }

        #[test]
        fn no_stored_value_makes_decoding_panic(mut value in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(version) = value.first_mut() {
                *version %= 2;
            }
            if let Some(bucket) = Bucket::decode(value.into()) {
                bucket.slots.iter().for_each(|slot| drop(bucket.record(slot.tag)));
                bucket.ttl(7);
            }
        }
    }
}
