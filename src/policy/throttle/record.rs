use bytes::{Buf, BufMut};

use super::reservations::{Reservations, Reserved};

/// The limits of a throttle. Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) limit: u32,
    pub(super) window: u64,
    pub(super) first_wait: u64,
    pub(super) longest_wait: u64,
    pub(super) reservation: u64,
}

/// The encoded length of a record without failures and reservations, of a failure, and of a reservation.
const HEAD_LEN: usize = 16;
const FAILURE_LEN: usize = 8;
const RESERVATION_LEN: usize = 16;

/// The attempts at one account.
///
/// Its times are milliseconds since the Unix epoch, because nodes share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// When attempts failed. A failure that begins a wait clears them.
    failures: Vec<u64>,
    reservations: Reservations,
    /// The number of waits so far. Each one doubles the next.
    waits: u32,
    blocked_until: u64,
}

/// The decision about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The attempt may be made, and is reserved.
    Reserved,
    /// The decision depends on attempts under way.
    Undecided,
    /// The attempt may not be made for this many milliseconds.
    Throttled(u64),
}

impl Record {
    /// Limits times that are too far in the future to the latest that is possible now. The clock that made them was
    /// ahead, or has been set back since. Returns whether there were any.
    ///
    /// Without this, an account would be throttled until the clock catches up.
    pub(super) fn clamp(&mut self, now: u64, rules: &Rules) -> bool {
        let mut clamped = false;
        let mut clamp = |time: &mut u64, most: u64| {
            clamped |= *time > most;
            *time = (*time).min(most);
        };
        self.failures.iter_mut().for_each(|failure| clamp(failure, now));
        let reserved = now.saturating_add(rules.reservation);
        self.reservations.iter_mut().for_each(|reservation| clamp(&mut reservation.until, reserved));
        clamp(&mut self.blocked_until, now.saturating_add(rules.longest_wait));
        clamped
    }

    /// Reserves an attempt, if the limit would hold even if this one and all others under way failed.
    pub(super) fn reserve(&mut self, id: u64, now: u64, rules: &Rules) -> Decision {
        self.forget(now, rules);
        if now < self.blocked_until {
            return Decision::Throttled(self.blocked_until - now);
        }
        let room = match self.waits {
            0 => (rules.limit as usize).saturating_sub(self.failures.len()),
            _ => 1,
        };
        if self.reservations.len() >= room {
            return Decision::Undecided;
        }
        self.reservations.push(Reserved { id, until: now.saturating_add(rules.reservation) });
        Decision::Reserved
    }

    /// Settles an attempt. To settle it again changes nothing, unless the reservation has expired: a late failure
    /// always counts.
    pub(super) fn settle(&mut self, id: u64, failed: bool, reserved_at: u64, now: u64, rules: &Rules) {
        let overdue = now >= reserved_at.saturating_add(rules.reservation);
        let known = self.reservations.iter().any(|reserved| reserved.id == id);
        self.reservations.retain(|reserved| reserved.id != id);
        self.forget(now, rules);
        if failed && (known || overdue) {
            self.fail(now, rules);
        }
    }

    fn fail(&mut self, now: u64, rules: &Rules) {
        self.failures.push(now);
        if self.waits == 0 && self.failures.len() < rules.limit as usize {
            return;
        }
        let wait = rules.first_wait.saturating_mul(2_u64.saturating_pow(self.waits)).min(rules.longest_wait);
        self.blocked_until = self.blocked_until.max(now.saturating_add(wait));
        self.waits = self.waits.saturating_add(1);
        self.failures.clear();
    }

    fn forget(&mut self, now: u64, rules: &Rules) {
        self.failures.retain(|failure| now < failure.saturating_add(rules.window));
        self.reservations.retain(|reserved| now < reserved.until);
        if now >= self.blocked_until.saturating_add(rules.window) {
            self.waits = 0;
            self.blocked_until = 0;
        }
    }

    /// When the record has no more effect.
    pub(super) fn over_at(&self, rules: &Rules) -> u64 {
        let failure = self.failures.iter().map(|failure| failure.saturating_add(rules.window)).max();
        let reservation = self.reservations.iter().map(|reserved| reserved.until).max();
        let wait = (self.waits > 0).then(|| self.blocked_until.saturating_add(rules.window));
        failure.max(reservation).max(wait).unwrap_or(0)
    }

    /// The number of failures that the account has, or may soon have. A wait counts as all the failures that led to it.
    pub(super) fn weight(&self, rules: &Rules) -> u32 {
        let recent = self.failures.len().saturating_add(self.reservations.len());
        self.waits.saturating_add(rules.limit).saturating_mul(u32::from(self.waits > 0)).saturating_add(narrow(recent))
    }

    /// The length of the encoding.
    pub(super) fn encoded_len(&self) -> usize {
        HEAD_LEN + FAILURE_LEN * self.failures.len() + RESERVATION_LEN * self.reservations.len()
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        out.put_u32(self.waits);
        out.put_u64(self.blocked_until);
        out.put_u32(narrow(self.failures.len()));
        self.failures.iter().for_each(|failure| out.put_u64(*failure));
        for Reserved { id, until } in self.reservations.iter() {
            out.put_u64(*id);
            out.put_u64(*until);
        }
    }

    /// Decodes a record. Returns `None` if `encoded` is not a record.
    pub(super) fn decode(mut encoded: &[u8]) -> Option<Self> {
        let (waits, blocked_until) = (encoded.try_get_u32().ok()?, encoded.try_get_u64().ok()?);
        let failures = encoded.try_get_u32().ok()? as usize;
        let (failures, reservations) = encoded.split_at_checked(failures.checked_mul(FAILURE_LEN)?)?;
        let (failures, _) = failures.as_chunks::<FAILURE_LEN>();
        let failures = failures.iter().map(|failure| u64::from_be_bytes(*failure)).collect();
        let mut record = Self { failures, waits, blocked_until, ..Self::default() };
        let (reservations, rest) = reservations.as_chunks::<RESERVATION_LEN>();
        for mut reservation in reservations.iter().map(|reservation| &reservation[..]) {
            record.reservations.push(Reserved { id: reservation.get_u64(), until: reservation.get_u64() });
        }
        rest.is_empty().then_some(record)
    }
}

/// Converts a length to `u32`. A record has far fewer entries.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: u64 = 60_000;
    const RULES: Rules =
        Rules { limit: 3, window: 15 * MINUTE, first_wait: MINUTE, longest_wait: 5 * MINUTE, reservation: 30_000 };

    /// Reserves an attempt and settles it at once.
    fn attempt(record: &mut Record, now: u64, failed: bool) -> Decision {
        let decision = record.reserve(now, now, &RULES);
        if decision == Decision::Reserved {
            record.settle(now, failed, now, now, &RULES);
        }
        decision
    }

    #[test]
    fn waits_begin_at_the_limit_and_double_up_to_the_longest() {
        let mut record = Record::default();
        let mut now = 1_000_000;
        for _ in 0..3 {
            assert_eq!(attempt(&mut record, now, true), Decision::Reserved);
        }
        for wait in [1, 2, 4, 5, 5, 5] {
            assert_eq!(attempt(&mut record, now, false), Decision::Throttled(wait * MINUTE));
            now += wait * MINUTE - 1;
            assert_eq!(attempt(&mut record, now, false), Decision::Throttled(1));
            now += 1;
            assert_eq!(attempt(&mut record, now, false), Decision::Reserved, "a success changes nothing");
            assert_eq!(attempt(&mut record, now, true), Decision::Reserved);
        }
        now += 5 * MINUTE + RULES.window;
        for _ in 0..3 {
            assert_eq!(attempt(&mut record, now, true), Decision::Reserved, "a window without failures ends it");
        }
        assert_eq!(attempt(&mut record, now, true), Decision::Throttled(MINUTE));
    }

    #[test]
    fn failures_that_are_older_than_the_window_do_not_count() {
        let mut record = Record::default();
        for number in 0..100 {
            assert_eq!(attempt(&mut record, number * 8 * MINUTE, true), Decision::Reserved);
        }
        assert_eq!(record.failures.len(), 2);
    }

    #[test]
    fn waits_do_not_overflow() {
        let rules = Rules { first_wait: u64::MAX / 3, longest_wait: u64::MAX, window: u64::MAX, ..RULES };
        let mut record = Record { waits: u32::MAX, ..Record::default() };
        record.fail(u64::MAX - 5, &rules);
        assert_eq!(record.reserve(1, u64::MAX - 1, &rules), Decision::Throttled(1));
        assert_eq!(record.over_at(&rules), u64::MAX);
    }

    #[test]
    fn a_reservation_that_is_never_settled_expires() {
        let mut record = Record::default();
        for id in 0..3 {
            assert_eq!(record.reserve(id, 0, &RULES), Decision::Reserved);
        }
        assert_eq!(record.reserve(3, RULES.reservation - 1, &RULES), Decision::Undecided);
        assert_eq!(record.reserve(3, RULES.reservation, &RULES), Decision::Reserved);
        record.settle(0, true, 0, RULES.reservation, &RULES);
        assert_eq!(record.failures.len(), 1, "a late failure counts");
    }

    #[test]
    fn reservations_by_a_clock_that_is_ahead_expire_in_time() {
        let mut record = Record::default();
        for id in 0..3 {
            assert_eq!(record.reserve(id, 1000 + 60 * MINUTE, &RULES), Decision::Reserved);
        }
        assert!(record.clamp(1000, &RULES));
        assert_eq!(record.reserve(3, 999 + RULES.reservation, &RULES), Decision::Undecided);
        assert_eq!(record.reserve(3, 1000 + RULES.reservation, &RULES), Decision::Reserved);
        assert_eq!(record.reservations.len(), 1);
        assert!(!record.clamp(1000 + RULES.reservation, &RULES));
    }

    #[test]
    fn settling_twice_counts_once() {
        let mut record = Record::default();
        record.reserve(7, 0, &RULES);
        record.settle(7, true, 0, 1, &RULES);
        let settled = record.clone();
        record.settle(7, true, 0, 2, &RULES);
        assert_eq!(record, settled);
    }

    #[test]
    fn an_account_without_failures_leaves_nothing() {
        let mut record = Record::default();
        record.reserve(7, 1000, &RULES);
        assert_eq!(record.over_at(&RULES), 1000 + RULES.reservation);
        record.settle(7, false, 1000, 1001, &RULES);
        assert_eq!((record.over_at(&RULES), record), (0, Record::default()));
    }

    proptest! {
        /// No wait is longer than the longest one, whatever the clock does. After that time without another jump, the
        /// account is not throttled any more.
        #[test]
        fn no_wait_is_longer_than_the_longest(steps in prop::collection::vec((0..4u8, 0..20_000_000u64), 1..100)) {
            let (mut record, mut wall) = (Record::default(), 10_000_000);
            for (step, amount) in steps {
                match step {
                    0 => wall = amount,
                    1 => wall += amount % (2 * RULES.longest_wait),
                    step => {
                        record.clamp(wall, &RULES);
                        attempt(&mut record, wall, step == 2);
                    }
                }
                let mut now = record.clone();
                now.clamp(wall, &RULES);
                if let Decision::Throttled(wait) = now.clone().reserve(7, wall, &RULES) {
                    prop_assert!(wait <= RULES.longest_wait);
                }
                let later = wall + RULES.longest_wait;
                now.clamp(later, &RULES);
                prop_assert!(!matches!(now.reserve(7, later, &RULES), Decision::Throttled(_)));
            }
        }

        /// However attempts overlap, no more of them fail in a window than the limit allows, until the first wait.
        #[test]
        fn the_limit_is_kept(steps in prop::collection::vec((0..5u8, 0..2000u64), 1..200)) {
            let mut record = Record::default();
            let (mut now, mut under_way, mut failures) = (0, Vec::new(), Vec::<u64>::new());
            for (id, (step, pause)) in steps.into_iter().enumerate() {
                now += pause;
                under_way.retain(|(_, since)| now < since + RULES.reservation);
                if step < 3 {
                    if record.reserve(id as u64, now, &RULES) == Decision::Reserved {
                        under_way.push((id as u64, now));
                    }
                } else if let Some((id, since)) = under_way.pop() {
                    record.settle(id, step == 3, since, now, &RULES);
                    failures.extend((step == 3).then_some(now));
                }
                let waiting = now < record.blocked_until;
                prop_assert!(!waiting || record.reserve(u64::MAX, now, &RULES) != Decision::Reserved);
                if record.waits < 2 {
                    let recent = failures.iter().filter(|failure| now < *failure + RULES.window).count();
                    prop_assert!(recent <= RULES.limit as usize);
                }
            }
        }
    }
}
