use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

/// A store as its documentation describes it, in a few lines. The real one must give the same answers.
#[derive(Default)]
pub(crate) struct Reference {
    values: BTreeMap<String, (Bytes, u64)>,
}

/// The answer of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Value(Option<Bytes>),
    Replaced(bool),
    Done,
}

/// An operation on one key.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Get,
    Put(Bytes, Duration),
    Claim(Bytes, Duration),
    Take,
    Replace(Bytes, Bytes, Duration),
}

impl Operation {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put(..) => "put",
            Self::Claim(..) => "claim",
            Self::Take => "take",
            Self::Replace(..) => "replace",
        }
    }

    /// Whether a full store refuses it.
    pub(crate) fn writes(&self) -> bool {
        matches!(self, Self::Put(..) | Self::Claim(..) | Self::Replace(..))
    }
}

impl Reference {
    pub(crate) fn apply(&mut self, key: &str, operation: Operation, now: Duration) -> Answer {
        let now = now.as_millis() as u64;
        let until = |ttl: Duration| now + ttl.as_nanos().div_ceil(1_000_000) as u64;
        let present = self.values.get(key).filter(|(_, until)| now < *until).map(|(value, _)| value.clone());
        match operation {
            Operation::Get => Answer::Value(present),
            Operation::Put(value, ttl) => {
                self.values.insert(key.to_owned(), (value, until(ttl)));
                Answer::Done
            }
            Operation::Claim(value, ttl) => {
                if present.is_none() {
                    self.values.insert(key.to_owned(), (value, until(ttl)));
                }
                Answer::Value(present)
            }
            Operation::Take => {
                self.values.remove(key);
                Answer::Value(present)
            }
            Operation::Replace(expected, new, ttl) => {
                let replaces = present == Some(expected);
                if replaces {
                    self.values.insert(key.to_owned(), (new, until(ttl)));
                }
                Answer::Replaced(replaces)
            }
        }
    }
}
