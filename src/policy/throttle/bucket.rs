use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use super::record::{Record, Rules};

/// The most accounts in one value of the store.
pub(super) const SLOTS: usize = 8;

/// The version of the encoding.
const VERSION: u8 = 1;

/// The encoded length of an account without its record.
const SLOT_LEN: usize = 24;

/// The accounts that share one value of the store, and the record of one of them. They are read and changed together,
/// atomically.
///
/// The number of buckets is fixed, however many accounts somebody makes up. When a bucket is full, the account with the
/// fewest failures is evicted.
///
/// A bucket without accounts is the empty value. Any other value begins with the version.
pub(super) struct Bucket<'a> {
    tag: u64,
    pub(super) record: Record,
    others: Vec<Slot<'a>>,
}

/// Another account of the bucket. Its record is not decoded.
struct Slot<'a> {
    tag: u64,
    /// When the record has no more effect, in milliseconds since the Unix epoch.
    over_at: u64,
    weight: u32,
    record: &'a [u8],
}

impl<'a> Bucket<'a> {
    /// Decodes a bucket and the record of the account `tag`, which is empty if there is no such account. Returns `None`
    /// if `value` is not a bucket, or has another version.
    pub(super) fn decode(mut value: &'a [u8], tag: u64) -> Option<Self> {
        let mut bucket = Self { tag, record: Record::default(), others: Vec::new() };
        if value.is_empty() {
            return Some(bucket);
        }
        if value.get_u8() != VERSION {
            return None;
        }
        for _ in 0..SLOTS {
            if value.is_empty() {
                break;
            }
            let (tag, over_at) = (value.try_get_u64().ok()?, value.try_get_u64().ok()?);
            let (weight, len) = (value.try_get_u32().ok()?, value.try_get_u32().ok()?);
            let (record, rest) = value.split_at_checked(len as usize)?;
            value = rest;
            if tag == bucket.tag {
                bucket.record = Record::decode(record)?;
            } else {
                bucket.others.push(Slot { tag, over_at, weight, record });
            }
        }
        value.is_empty().then_some(bucket)
    }

    /// Encodes the bucket, without accounts whose records have no more effect. Returns how long it has an effect, too.
    pub(super) fn encode(mut self, now: u64, rules: &Rules) -> (Bytes, Duration) {
        self.others.retain(|slot| now < slot.over_at);
        let over_at = self.record.over_at(rules);
        let own = (now < over_at).then_some(&self.record);
        if own.is_some() && self.others.len() == SLOTS {
            let lightest = (0..SLOTS).min_by_key(|slot| (self.others[*slot].weight, self.others[*slot].over_at));
            self.others.swap_remove(lightest.expect("there are some"));
        }
        let others = self.others.iter().map(|slot| SLOT_LEN + slot.record.len()).sum::<usize>();
        let len = others + own.map_or(0, |record| SLOT_LEN + record.encoded_len());
        if len == 0 {
            return (Bytes::new(), Duration::ZERO);
        }
        let value = encoded(1 + len, |value| {
            value.put_u8(VERSION);
            for slot in &self.others {
                put_head(value, slot.tag, slot.over_at, slot.weight, slot.record.len());
                value.put_slice(slot.record);
            }
            if let Some(record) = own {
                put_head(value, self.tag, over_at, record.weight(rules), record.encoded_len());
                record.encode(value);
            }
        });
        let last = self.others.iter().map(|slot| slot.over_at).chain(own.map(|_| over_at)).max().unwrap_or(0);
        (value, Duration::from_millis(last.saturating_sub(now)))
    }
}

fn put_head(value: &mut &mut [u8], tag: u64, over_at: u64, weight: u32, record_len: usize) {
    value.put_u64(tag);
    value.put_u64(over_at);
    value.put_u32(weight);
    value.put_u32(u32::try_from(record_len).expect("a record is far smaller"));
}

/// Makes `len` bytes that `fill` fills.
///
/// The bytes of a `Vec` allocate once more when they are cloned. Those of most buckets fit into one allocation.
fn encoded(len: usize, fill: impl FnOnce(&mut &mut [u8])) -> Bytes {
    struct Short {
        len: usize,
        bytes: [u8; 96],
    }

    impl AsRef<[u8]> for Short {
        fn as_ref(&self) -> &[u8] {
            &self.bytes[..self.len]
        }
    }

    let mut short = Short { len, bytes: [0; 96] };
    if let Some(mut bytes) = short.bytes.get_mut(..len) {
        fill(&mut bytes);
        return Bytes::from_owner(short);
    }
    let mut long = vec![0; len];
    fill(&mut &mut long[..]);
    long.into()
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

    /// Sets the record of the account `tag`. Returns how long the bucket has an effect.
    fn set(value: &mut Bytes, tag: u64, record: Record, now: u64) -> Duration {
        let mut bucket = Bucket::decode(value, tag).unwrap();
        bucket.record = record;
        let (changed, ttl) = bucket.encode(now, &RULES);
        *value = changed;
        ttl
    }

    fn record(value: &[u8], tag: u64) -> Record {
        Bucket::decode(value, tag).unwrap().record
    }

    /// The number of accounts.
    fn slots(value: &[u8]) -> usize {
        Bucket::decode(value, u64::MAX).unwrap().others.len()
    }

    #[test]
    fn the_account_with_the_fewest_failures_is_evicted() {
        let (now, mut bucket) = (30_000, Bytes::new());
        for (tag, failures) in [(1, 4), (2, 2), (3, 1), (4, 3), (5, 2), (6, 5), (7, 2), (8, 2)] {
            set(&mut bucket, tag, failed(failures), now);
        }
        set(&mut bucket, 9, failed(2), now);
        let known = |bucket: &[u8], tag| record(bucket, tag) != Record::default();
        assert_eq!((1..10).filter(|tag| !known(&bucket, *tag)).collect::<Vec<_>>(), [3]);
        for tag in 10..1000 {
            set(&mut bucket, tag, failed(1), now);
        }
        let heavier: Vec<_> = (1..10).filter(|tag| known(&bucket, *tag)).collect();
        assert_eq!(heavier.len(), SLOTS - 1, "the newest account is there");
        assert!([1, 4, 6].iter().all(|tag| heavier.contains(tag)), "{heavier:?}");
    }

    #[test]
    fn records_without_effect_are_dropped() {
        let mut bucket = Bytes::new();
        let ttls = (0..8).map(|tag| set(&mut bucket, tag, failed(if tag == 5 { 9 } else { 1 }), 0));
        let last = ttls.max().unwrap();
        assert_eq!(last, Duration::from_millis(failed(9).over_at(&RULES)));
        assert_eq!(slots(&bucket), 8);
        let ttl = set(&mut bucket, 8, Record::default(), failed(1).over_at(&RULES));
        assert_eq!((slots(&bucket), ttl), (1, last - Duration::from_millis(failed(1).over_at(&RULES))));
        let ttl = set(&mut bucket, 8, Record::default(), failed(9).over_at(&RULES));
        assert_eq!((&bucket[..], ttl), (&b""[..], Duration::ZERO));
    }

    #[test]
    fn the_encoding_stays_the_same() {
        let mut record = failed(2);
        record.reserve(7, 6001, &RULES);
        let mut bucket = Bytes::new();
        set(&mut bucket, 0x0102_0304_0506_0708, record, 6001);
        let expected = [
            &[1][..],                  // the version
            &[1, 2, 3, 4, 5, 6, 7, 8], // the account
            &66_000_u64.to_be_bytes(), // when its record has no more effect
            &[0, 0, 0, 3],             // its weight
            &[0, 0, 0, 48],            // the length of the record
            &[0, 0, 0, 0],             // the number of waits
            &[0, 0, 0, 0, 0, 0, 0, 0], // when the last wait ends
            &[0, 0, 0, 2],             // the number of failures
            &0_u64.to_be_bytes(),
            &6000_u64.to_be_bytes(),
            &7_u64.to_be_bytes(), // a reservation, and when it expires
            &36_001_u64.to_be_bytes(),
        ];
        assert_eq!(bucket, expected.concat());
    }

    #[test]
    fn other_values_are_not_buckets() {
        let mut bucket = Bytes::new();
        for tag in 0..SLOTS as u64 {
            set(&mut bucket, tag, failed(1), 0);
        }
        let refused = |value: &[u8], tag| assert!(Bucket::decode(value, tag).is_none(), "{value:?}");
        assert_eq!(slots(&bucket), SLOTS);
        refused(&[&bucket[..], &bucket[1..]].concat(), 0);
        for len in 1..SLOT_LEN {
            refused(&bucket[..len + 1], 0);
            refused(&bucket[..bucket.len() - len], 0);
        }
        let mut other_version = bucket.to_vec();
        other_version[0] = 2;
        refused(&other_version, 0);
        refused(br#"{"failures":[]}"#, 0);
        let mut bad_record = bucket.to_vec();
        bad_record[SLOT_LEN + 1..][15] = 3; // as many failures as there is no room for
        refused(&bad_record, 0);
        assert!(Bucket::decode(&bad_record, 1).is_some(), "only the account's own record is decoded");
    }

    proptest! {
        #[test]
        fn a_bucket_survives_its_encoding(accounts in prop::collection::vec((any::<u64>(), 0..6usize, 0..3u64), 0..8)) {
            let mut bucket = Bytes::new();
            let mut records = Vec::new();
            for (tag, failures, reservations) in accounts {
                let mut record = failed(failures);
                for id in 0..reservations {
                    record.reserve(id ^ tag, 6000 * failures as u64, &RULES);
                }
                let ttl = set(&mut bucket, tag, record.clone(), 0);
                records.retain(|(other, _)| *other != tag);
                records.push((tag, record));
                let last = records.iter().map(|(_, record)| record.over_at(&RULES)).max();
                prop_assert_eq!(ttl, Duration::from_millis(last.unwrap()));
            }
            for (tag, expected) in records {
                prop_assert_eq!(record(&bucket, tag), expected);
            }
        }

        #[test]
        fn no_stored_value_makes_decoding_panic(mut value in prop::collection::vec(any::<u8>(), 0..200), tag: u64) {
            if let Some(version) = value.first_mut() {
                *version %= 2;
            }
            if value.len() > 8 && tag % 2 == 0 {
                value[1..9].copy_from_slice(&tag.to_be_bytes());
            }
            if let Some(bucket) = Bucket::decode(&value, tag) {
                bucket.encode(7, &RULES);
            }
        }
    }
}
