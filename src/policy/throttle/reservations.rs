/// The attempts under way at an account.
///
/// Mostly there is one at a time, which takes no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reservations {
    first: Option<Reserved>,
    /// Empty if there is no first one.
    others: Vec<Reserved>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reserved {
    pub(super) id: u64,
    /// When the reservation expires.
    pub(super) until: u64,
}

impl Reservations {
    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reserved> {
        self.first.iter().chain(&self.others)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Reserved> {
        self.first.iter_mut().chain(&mut self.others)
    }

    pub(super) fn push(&mut self, reserved: Reserved) {
        match self.first {
            None => self.first = Some(reserved),
            Some(_) => self.others.push(reserved),
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Reserved) -> bool) {
        self.others.retain(&keep);
        if !self.first.as_ref().is_some_and(keep) {
            self.first = (!self.others.is_empty()).then(|| self.others.remove(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_a_list(steps in prop::collection::vec((any::<bool>(), 0..4u64), 0..30)) {
            let (mut reservations, mut list) = (Reservations::default(), Vec::new());
            for (push, number) in steps {
                if push {
                    let reserved = Reserved { id: number, until: number };
                    reservations.push(reserved);
                    list.push(reserved);
                } else {
                    reservations.retain(|reserved| reserved.id != number);
                    list.retain(|reserved| reserved.id != number);
                }
                prop_assert!(reservations.iter().eq(&list));
                prop_assert_eq!(reservations.len(), list.len());
                prop_assert!(reservations.first.is_some() || reservations.others.is_empty());
            }
        }
    }
}
