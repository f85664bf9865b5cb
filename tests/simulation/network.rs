//! The network between a node and the store.

use std::{fmt::Write, future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use tokio::{
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};
use tower_verify::store::{Store, StoreError};

use crate::{
    reference::{Answer, Operation},
    world::{Stores, World, lock},
};

/// How long a node waits for the store's answer, as `RedisStore` and `PostgresStore` do by default.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How much later than that the store may still execute an operation.
pub(crate) const LATE: Duration = Duration::from_secs(4);

/// The store, as one process of one node reaches it.
///
/// An operation is on its way from its first poll: whether it is executed does not depend on its future any more.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) world: Arc<World>,
    pub(crate) node: usize,
    /// Closed when the process has crashed. Nothing reaches a dead process, so what is left of its tasks stands still.
    pub(crate) alive: Arc<Semaphore>,
}

/// The fate of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// Executed after the node gave up.
    Late,
    RequestLost,
    AnswerLost,
    /// The connection dies before or after the store has executed the operation.
    ResetBefore,
    ResetAfter,
    /// Refused, as a full store does.
    Full,
}

impl Remote {
    async fn operate(&self, key: &str, operation: Operation) -> Result<Answer, StoreError> {
        let Self { world, node, alive } = self;
        if alive.is_closed() {
            return pending().await;
        }
        let (fate, there, back) = self.draw(&operation);
        if fate != Fate::Answered {
            world.trouble(*node, world.now());
        }
        let (sender, receiver) = oneshot::channel();
        let (name, remote, key) = (operation.name(), self.clone(), key.to_owned());
        tokio::spawn(async move {
            if let Some(answer) = remote.deliver(&key, operation, fate, there, back).await {
                let _ = sender.send(answer);
            } else if matches!(fate, Fate::RequestLost | Fate::AnswerLost | Fate::Late) {
                // The connection stays silent.
                sleep(2 * RESPONSE_TIMEOUT).await;
            }
        });
        let answer = timeout(RESPONSE_TIMEOUT, receiver).await;
        let paused_until = world.node(*node).paused_until;
        if world.now() < paused_until {
            sleep(paused_until - world.now()).await;
        }
        if alive.is_closed() {
            return pending().await;
        }
        match answer {
            Ok(Ok(answer)) => answer,
            failed => {
                let reason = if failed.is_ok() { "the connection was reset" } else { "no answer" };
                world.trouble(*node, world.now());
                world.note(|line| {
                    let _ = write!(line, "node {node} gave up a {name}: {reason}");
                });
                Err(StoreError::unavailable(reason))
            }
        }
    }

    async fn deliver(
        &self,
        key: &str,
        operation: Operation,
        fate: Fate,
        there: Duration,
        back: Duration,
    ) -> Option<Result<Answer, StoreError>> {
        sleep(there).await;
        match fate {
            Fate::RequestLost | Fate::ResetBefore => return None,
            Fate::Full => return Some(Err(StoreError::Full)),
            _ => {}
        }
        let answer = self.execute(key, operation);
        if matches!(fate, Fate::AnswerLost | Fate::ResetAfter | Fate::Late) {
            return None;
        }
        sleep(back).await;
        if self.world.now() < self.world.node(self.node).partitioned_until {
            self.world.trouble(self.node, self.world.now());
            sleep(2 * RESPONSE_TIMEOUT).await;
            return None;
        }
        Some(answer)
    }

    /// Executes an operation in the store, and compares its answer with that of the reference.
    fn execute(&self, key: &str, operation: Operation) -> Result<Answer, StoreError> {
        let Self { world, node, .. } = self;
        let mut stores = lock(&world.store);
        let Stores { real, reference } = &mut *stores;
        let answer = match operation.clone() {
            Operation::Get => real.get(key).now_or_never().map(|value| value.map(Answer::Value)),
            Operation::Put(value, ttl) => {
                real.put(key, value, ttl).now_or_never().map(|done| done.map(|()| Answer::Done))
            }
            Operation::Claim(value, ttl) => {
                real.claim(key, value, ttl).now_or_never().map(|value| value.map(Answer::Value))
            }
            Operation::Take => real.take(key).now_or_never().map(|value| value.map(Answer::Value)),
            Operation::Replace(expected, new, ttl) => {
                real.replace(key, expected, new, ttl).now_or_never().map(|done| done.map(Answer::Replaced))
            }
        };
        let answer = answer.expect("the memory store does not wait");
        let name = operation.name();
        let expected = reference.apply(key, operation, world.now());
        drop(stores);
        world.note(|line| {
            let kind = key.get(..8).unwrap_or(key);
            let told = match &answer {
                Ok(Answer::Value(value)) => {
                    if value.is_some() {
                        "a value"
                    } else {
                        "nothing"
                    }
                }
                Ok(Answer::Replaced(replaced)) => {
                    if *replaced {
                        "replaced"
                    } else {
                        "not replaced"
                    }
                }
                Ok(Answer::Done) => "done",
                Err(_) => "an error",
            };
            let _ = write!(line, "store: {name} {kind} for node {node}: {told}");
        });
        if answer.as_ref().ok() != Some(&expected) {
            world.broken(&format!("the store answers {answer:?} where the reference answers {expected:?}"));
        }
        answer
    }

    /// Draws the fate of an operation, and the times of its request and of its answer.
    fn draw(&self, operation: &Operation) -> (Fate, Duration, Duration) {
        let mut rng = lock(&self.world.network);
        let (there, back) = (Duration::from_millis(rng.below(5)), Duration::from_millis(rng.below(5)));
        let now = self.world.now();
        let partitioned = now < self.world.node(self.node).partitioned_until;
        let network = self.world.faults.network;
        match rng.below(100) {
            _ if partitioned => (Fate::RequestLost, there, back),
            0 if network => (Fate::RequestLost, there, back),
            1 if network => (Fate::AnswerLost, there, back),
            2 if network => (Fate::ResetBefore, there, back),
            3 if network => (Fate::ResetAfter, there, back),
            4 if network => {
                (Fate::Late, RESPONSE_TIMEOUT + Duration::from_millis(rng.below(LATE.as_millis() as u64)), back)
            }
            5 if network && operation.writes() => (Fate::Full, there, back),
            6 | 7 if network => {
                (Fate::Answered, Duration::from_millis(rng.below(400)), Duration::from_millis(rng.below(400)))
            }
            _ => (Fate::Answered, there, back),
        }
    }

    async fn value(&self, key: &str, operation: Operation) -> Result<Option<Bytes>, StoreError> {
        match self.operate(key, operation).await? {
            Answer::Value(value) => Ok(value),
            other => unreachable!("{other:?}"),
        }
    }
}

impl Store for Remote {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.value(key, Operation::Get).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        self.operate(key, Operation::Put(value, ttl)).await.map(|_| ())
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        self.value(key, Operation::Claim(value, ttl)).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.value(key, Operation::Take).await
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        Ok(self.operate(key, Operation::Replace(expected, new, ttl)).await? == Answer::Replaced(true))
    }
}
