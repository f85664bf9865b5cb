//! [`conformance::check`] finds each known flaw of a store.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::{runtime::Builder, task::yield_now};
use tower_verify::{
    ManualClock,
    store::{MemoryStore, Store, StoreError, conformance},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    KeepsTextOnly,
    DropsEmptyValues,
    NeverExpires,
    ClaimOverwrites,
    ClaimIsNotAtomic,
    ClaimNeverExpires,
    TakeLeaves,
    TakeIsNotAtomic,
    ReplaceReplacesAnything,
    ReplacePutsWhatWasNotThere,
    ReplaceIsNotAtomic,
    ReplaceKeepsTheTtl,
}

struct Flawed {
    store: MemoryStore,
    flaw: Flaw,
}

const LONG: Duration = Duration::from_secs(1_000_000);

impl Flawed {
    /// Yields if the store has this flaw, so that another operation can run in between.
    async fn gap(&self, flaw: Flaw) {
        if self.flaw == flaw {
            yield_now().await;
        }
    }
}

impl Store for Flawed {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        match self.flaw {
            Flaw::KeepsTextOnly => {
                self.store.put(key, Bytes::from(String::from_utf8_lossy(&value).into_owned()), ttl).await
            }
            Flaw::DropsEmptyValues if value.is_empty() => Ok(()),
            Flaw::NeverExpires => self.store.put(key, value, LONG).await,
            _ => self.store.put(key, value, ttl).await,
        }
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        match self.flaw {
            Flaw::ClaimOverwrites => {
                let present = self.store.get(key).await?;
                self.store.put(key, value, ttl).await?;
                Ok(present)
            }
            Flaw::ClaimIsNotAtomic => {
                let present = self.store.get(key).await?;
                self.gap(Flaw::ClaimIsNotAtomic).await;
                if present.is_none() {
                    self.store.put(key, value, ttl).await?;
                }
                Ok(present)
            }
            Flaw::ClaimNeverExpires => self.store.claim(key, value, LONG).await,
            _ => self.store.claim(key, value, ttl).await,
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let value = match self.flaw {
            Flaw::TakeLeaves | Flaw::TakeIsNotAtomic => self.store.get(key).await?,
            _ => return self.store.take(key).await,
        };
        self.gap(Flaw::TakeIsNotAtomic).await;
        if self.flaw == Flaw::TakeIsNotAtomic {
            self.store.take(key).await?;
        }
        Ok(value)
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let present = self.store.get(key).await?;
        match self.flaw {
            Flaw::ReplaceReplacesAnything => {
                if present.is_some() {
                    self.store.put(key, new, ttl).await?;
                }
                Ok(present.is_some())
            }
            Flaw::ReplacePutsWhatWasNotThere if present.is_none() && expected.is_empty() => {
                self.store.put(key, new, ttl).await?;
                Ok(true)
            }
            Flaw::ReplaceIsNotAtomic => {
                self.gap(Flaw::ReplaceIsNotAtomic).await;
                let replaced = present == Some(expected);
                if replaced {
                    self.store.put(key, new, ttl).await?;
                }
                Ok(replaced)
            }
            Flaw::ReplaceKeepsTheTtl => self.store.replace(key, expected, new, LONG).await,
            _ => self.store.replace(key, expected, new, ttl).await,
        }
    }
}

/// Runs the suite on a store with `flaw`, and returns its complaint, if it has one.
fn complaint(flaw: Flaw) -> Option<String> {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
    let store = Flawed { store: MemoryStore::new().clock(clock.clone()), flaw };
    let runtime = Builder::new_current_thread().build().unwrap();
    let check = || runtime.block_on(conformance::check(store, tokio::spawn, async |time| clock.advance(time)));
    let panic = catch_unwind(AssertUnwindSafe(check)).err()?;
    let plain = || panic.downcast_ref::<&str>().map(ToString::to_string);
    panic.downcast_ref::<String>().cloned().or_else(plain)
}

#[test]
fn a_store_without_a_flaw_passes() {
    assert_eq!(complaint(Flaw::None), None);
}

#[test]
fn every_flaw_is_found_and_named() {
    for (flaw, words) in [
        (Flaw::KeepsTextOnly, "get must return a value of 256 bytes unchanged"),
        (Flaw::DropsEmptyValues, "get must return a value of 0 bytes unchanged"),
        (Flaw::NeverExpires, "get must not return an expired value"),
        (Flaw::ClaimOverwrites, "claim must leave the present value"),
        (Flaw::ClaimIsNotAtomic, "exactly one of 32 concurrent claims of one key must succeed"),
        (Flaw::ClaimNeverExpires, "claim must set the time to live"),
        (Flaw::TakeLeaves, "take must remove the value"),
        (Flaw::TakeIsNotAtomic, "exactly one of 32 concurrent takes of one key must succeed"),
        (Flaw::ReplaceReplacesAnything, "replace must return false for a value that is not the expected one"),
        (Flaw::ReplacePutsWhatWasNotThere, "replace must return false for a key without a value"),
        (Flaw::ReplaceIsNotAtomic, "exactly one of 32 concurrent replacements of one value must succeed"),
        (Flaw::ReplaceKeepsTheTtl, "replace must set a shorter time to live"),
    ] {
        let complaint = complaint(flaw).unwrap_or_else(|| panic!("{flaw:?} is not found"));
        assert!(complaint.contains(words), "{flaw:?}: {complaint}");
    }
}
