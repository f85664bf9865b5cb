use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use crate::token::KeyedDigest;

/// The key of a verdict, which covers its principal, and that principal. It is ordered by the principal, so that the
/// verdicts of one principal are adjacent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VerdictKey {
    pub(super) principal: KeyedDigest,
    pub(super) key: KeyedDigest,
}

/// The cached verdicts, and the look-ups under way of type `L`. Times are milliseconds of a monotonic clock.
pub(super) struct Verdicts<D, L> {
    entries: BTreeMap<KeyedDigest, Entry<D, L>>,
    by_principal: BTreeSet<VerdictKey>,
    /// The verdicts in the order of their expiry: the negative ones, and the positive ones. Each kind has its own
    /// limit, so that wrong guesses cannot evict positive verdicts.
    by_expiry: [BTreeSet<(u64, KeyedDigest)>; 2],
    looking_up: usize,
    /// The removed verdicts, to be dropped after the lock is released.
    removed: Vec<D>,
}

struct Entry<D, L> {
    principal: KeyedDigest,
    held: Held<D, L>,
}

enum Held<D, L> {
    Verdict { verdict: D, life: Life },
    LookUp(L),
}

/// The lifetime of a verdict.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) positive: bool,
    pub(super) expires: u64,
    /// When the verdict expires by the wall clock, in addition to `expires`.
    pub(super) ends: Option<SystemTime>,
}

/// A verdict and its expiry by the wall clock, or a look-up under way.
pub(super) enum VerdictOrLookUp<'a, D, L> {
    Verdict(&'a D, Option<SystemTime>),
    LookUp(&'a L),
}

impl<D, L> Verdicts<D, L> {
    pub(super) fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_principal: BTreeSet::new(),
            by_expiry: Default::default(),
            looking_up: 0,
            removed: Vec::new(),
        }
    }

    pub(super) fn get(&self, key: &KeyedDigest, now: u64) -> Option<VerdictOrLookUp<'_, D, L>> {
        match &self.entries.get(key)?.held {
            Held::Verdict { verdict, life } => {
                (now < life.expires).then_some(VerdictOrLookUp::Verdict(verdict, life.ends))
            }
            Held::LookUp(look_up) => Some(VerdictOrLookUp::LookUp(look_up)),
        }
    }

    pub(super) fn looking_up(&self) -> usize {
        self.looking_up
    }

    pub(super) fn begin(&mut self, key: VerdictKey, look_up: L) {
        self.remove(&key.key);
        self.insert(key, Held::LookUp(look_up));
        self.looking_up += 1;
    }

    /// Ends the look-up of a key if it is still `this` one: it may have been invalidated. Returns whether it is still
    /// this one.
    pub(super) fn end(&mut self, key: &VerdictKey, this: impl Fn(&L) -> bool) -> bool {
        let held = self.entries.get(&key.key).map(|entry| &entry.held);
        let current = matches!(held, Some(Held::LookUp(look_up)) if this(look_up));
        if current {
            self.remove(&key.key);
        }
        current
    }

    /// Adds a verdict. If there are already `room` of its kind, evicts the one that expires first.
    pub(super) fn remember(&mut self, key: VerdictKey, verdict: D, life: Life, room: usize) {
        if room == 0 {
            return;
        }
        self.remove(&key.key);
        let kind = usize::from(life.positive);
        while self.by_expiry[kind].len() >= room {
            let Some((_, first)) = self.by_expiry[kind].first().copied() else { break };
            self.remove(&first);
        }
        self.by_expiry[kind].insert((life.expires, key.key));
        self.insert(key, Held::Verdict { verdict, life });
    }

    /// Removes up to two expired verdicts, which is more than are added at a time.
    pub(super) fn sweep(&mut self, now: u64) {
        for kind in 0..2 {
            if let Some((_, key)) = self.by_expiry[kind].first().copied().filter(|(expires, _)| *expires <= now) {
                self.remove(&key);
            }
        }
    }

    /// Removes a principal's verdicts and its look-ups under way.
    pub(super) fn forget(&mut self, principal: KeyedDigest) {
        let (first, last) = (VerdictKey { principal, key: [0; 16] }, VerdictKey { principal, key: [u8::MAX; 16] });
        let keys: Vec<KeyedDigest> = self.by_principal.range(first..=last).map(|key| key.key).collect();
        for key in keys {
            self.remove(&key);
        }
    }

    /// Takes the verdicts that were removed since the last call.
    pub(super) fn take_removed(&mut self) -> Vec<D> {
        std::mem::take(&mut self.removed)
    }

    fn insert(&mut self, key: VerdictKey, held: Held<D, L>) {
        self.by_principal.insert(key);
        self.entries.insert(key.key, Entry { principal: key.principal, held });
    }

    fn remove(&mut self, key: &KeyedDigest) {
        let Some(Entry { principal, held }) = self.entries.remove(key) else { return };
        self.by_principal.remove(&VerdictKey { principal, key: *key });
        match held {
            Held::Verdict { verdict, life } => {
                self.by_expiry[usize::from(life.positive)].remove(&(life.expires, *key));
                self.removed.push(verdict);
            }
            Held::LookUp(_) => self.looking_up -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key depends on the principal, as a tag of both does.
    fn verdict_key(principal: u8, key: u8) -> VerdictKey {
        let mut tag = [key; 16];
        tag[0] = principal;
        VerdictKey { principal: [principal; 16], key: tag }
    }

    fn life(positive: bool, expires: u64) -> Life {
        Life { positive, expires, ends: None }
    }

    fn known(verdicts: &Verdicts<u8, u8>, key: VerdictKey, now: u64) -> Option<u8> {
        match verdicts.get(&key.key, now) {
            Some(VerdictOrLookUp::Verdict(verdict, _)) => Some(*verdict),
            _ => None,
        }
    }

    #[test]
    fn the_verdict_that_expires_first_is_evicted_by_its_own_kind() {
        let mut verdicts = Verdicts::<u8, u8>::new();
        verdicts.remember(verdict_key(0, 0), 0, life(true, 10), 2);
        for (key, expires) in [(1, 30), (2, 20), (3, 40)] {
            verdicts.remember(verdict_key(0, key), key, life(false, expires), 2);
        }
        let left: Vec<u8> = (0..4).filter_map(|key| known(&verdicts, verdict_key(0, key), 0)).collect();
        assert_eq!(left, [0, 1, 3]);
        verdicts.remember(verdict_key(0, 1), 7, life(true, 50), 2);
        assert_eq!(known(&verdicts, verdict_key(0, 1), 0), Some(7));
        assert_eq!((verdicts.by_expiry[0].len(), verdicts.by_expiry[1].len(), verdicts.entries.len()), (1, 2, 3));
        verdicts.remember(verdict_key(9, 9), 9, life(true, 50), 0);
        assert_eq!(known(&verdicts, verdict_key(9, 9), 0), None);
    }

    #[test]
    fn expired_verdicts_are_not_found_and_do_not_pile_up() {
        let mut verdicts = Verdicts::<u8, u8>::new();
        for now in 0..200 {
            verdicts.sweep(now);
            let key = verdict_key(u8::try_from(now).unwrap(), 0);
            verdicts.remember(key, 7, life(now % 2 == 0, now + 5), 1000);
            assert_eq!((known(&verdicts, key, now + 4), known(&verdicts, key, now + 5)), (Some(7), None));
        }
        assert!(verdicts.entries.len() <= 6, "{}", verdicts.entries.len());
        assert_eq!(verdicts.by_principal.len(), verdicts.entries.len());
    }

    #[test]
    fn forgetting_a_principal_removes_all_of_its_verdicts_and_no_others() {
        let mut verdicts = Verdicts::<u8, u8>::new();
        for (principal, key) in [(1, 255), (2, 0), (2, 7), (2, 255), (3, 0)] {
            verdicts.remember(verdict_key(principal, key), 7, life(key == 7, 10), 10);
        }
        verdicts.begin(verdict_key(2, 9), 1);
        verdicts.forget([2; 16]);
        let left = [verdict_key(1, 255), verdict_key(3, 0)];
        assert!(verdicts.by_principal.iter().copied().eq(left));
        assert!(verdicts.entries.keys().copied().eq(left.map(|key| key.key)));
        assert_eq!((verdicts.by_expiry[0].len(), verdicts.by_expiry[1].len(), verdicts.looking_up), (2, 0, 0));
        assert!(!verdicts.end(&verdict_key(2, 9), |_| true));
    }

    #[test]
    fn a_sweep_hands_over_what_has_expired_and_keeps_the_rest() {
        let mut verdicts = Verdicts::<u8, u8>::new();
        for (key, expires) in [(1, 10), (2, 20)] {
            verdicts.remember(verdict_key(0, key), key, life(true, expires), 10);
        }
        verdicts.sweep(9);
        assert_eq!(verdicts.entries.len(), 2);
        verdicts.sweep(10);
        assert_eq!(known(&verdicts, verdict_key(0, 2), 10), Some(2));
        assert_eq!((verdicts.entries.len(), verdicts.take_removed()), (1, vec![1]));
        assert!(verdicts.take_removed().is_empty());
    }

    #[test]
    fn only_the_current_look_up_is_ended() {
        let mut verdicts = Verdicts::<u8, u8>::new();
        verdicts.begin(verdict_key(1, 1), 1);
        verdicts.begin(verdict_key(1, 1), 2);
        assert_eq!(verdicts.looking_up(), 1);
        assert!(!verdicts.end(&verdict_key(1, 1), |look_up| *look_up == 1));
        assert!(verdicts.end(&verdict_key(1, 1), |look_up| *look_up == 2));
        assert_eq!(verdicts.looking_up(), 0);
    }
}
