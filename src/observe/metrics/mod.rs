//! Counts and times, recorded with the crate `metrics`.

mod calls;
#[cfg(feature = "token")]
mod keys;
#[cfg(feature = "policy")]
mod lookups;
#[cfg(feature = "store")]
mod store;

use std::sync::{PoisonError, RwLock};

use metrics::{Key, Label, Level, Metadata};

pub use self::calls::MetricsObserver;
#[cfg(feature = "token")]
pub use self::keys::record_keys;
#[cfg(feature = "policy")]
pub use self::lookups::count_lookups;
#[cfg(feature = "store")]
pub use self::store::MeteredStore;

const METADATA: Metadata<'static> = Metadata::new("tower_verify", Level::INFO, None);

/// Makes a key without copying its name.
fn key(name: &'static str, labels: Vec<Label>) -> Key {
    Key::from_parts(name, labels)
}

/// Registered metrics by their labels, so that later calls neither register nor allocate.
///
/// There are few of them: a linear search costs less than hashing the labels.
#[derive(Debug)]
struct Registered<K, V>(RwLock<Vec<(K, V)>>);

impl<K: Copy + PartialEq, V: Clone> Registered<K, V> {
    fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    fn get_or_register(&self, labels: K, register: impl FnOnce(K) -> V) -> V {
        let find = |all: &[(K, V)]| all.iter().find(|(known, _)| *known == labels).map(|(_, metric)| metric.clone());
        let found = find(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if let Some(metric) = found {
            return metric;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        find(&all).unwrap_or_else(|| {
            let metric = register(labels);
            all.push((labels, metric.clone()));
            metric
        })
    }
}
