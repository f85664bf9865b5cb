use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, watch};

use super::verdicts::{VerdictKey, Verdicts};
use crate::{BoxError, Failure};

type SharedResult<D> = Option<Result<Arc<D>, Failure>>;

/// Where a look-up puts its result for all who wait for it.
pub(super) type ResultSender<D> = watch::Sender<SharedResult<D>>;

/// Where the result of a look-up will be.
pub(super) type ResultReceiver<D> = watch::Receiver<SharedResult<D>>;

/// Verdicts are shared, so that none is cloned or dropped under the lock: that is the app's code.
pub(super) type KnownVerdicts<D> = Verdicts<Arc<D>, ResultSender<D>>;

pub(super) type SharedVerdicts<D> = Mutex<KnownVerdicts<D>>;

pub(super) fn lock<D>(verdicts: &SharedVerdicts<D>) -> MutexGuard<'_, KnownVerdicts<D>> {
    verdicts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look-up under way. Dropped before it has ended, as when the verifier panics, it leaves the next caller to begin
/// another.
pub(super) struct LookUp<D> {
    key: VerdictKey,
    verdicts: Arc<SharedVerdicts<D>>,
    result: ResultSender<D>,
}

impl<D> LookUp<D> {
    /// Begins one, known to others when `verdicts` is unlocked.
    pub(super) fn begin(
        verdicts: &Arc<SharedVerdicts<D>>,
        locked: &mut KnownVerdicts<D>,
        key: VerdictKey,
    ) -> (Self, ResultReceiver<D>) {
        let (result, receiver) = watch::channel(None);
        locked.begin(key, result.clone());
        (Self { key, verdicts: Arc::clone(verdicts), result }, receiver)
    }

    /// Ends it with `result`. `remember` is called if it was not invalidated, and everybody who waits is told after it.
    pub(super) fn end(
        self,
        result: Result<Arc<D>, BoxError>,
        remember: impl FnOnce(&mut KnownVerdicts<D>, VerdictKey, &Arc<D>),
    ) {
        let mut verdicts = lock(&self.verdicts);
        if verdicts.end(&self.key, |other| other.same_channel(&self.result))
            && let Ok(verdict) = &result
        {
            remember(&mut verdicts, self.key, verdict);
        }
        let removed = verdicts.take_removed();
        drop(verdicts);
        drop(removed);
        self.result.send_replace(Some(result.map_err(Failure::from_error)));
    }

    /// Waits until nobody waits for the result any more, and there is no permit to go on all the same. Then it has
    /// ended: whoever asks next begins another.
    pub(super) async fn given_up(&self, unattended: &Semaphore) {
        loop {
            self.result.closed().await;
            if let Ok(_permit) = unattended.try_acquire() {
                return pending().await;
            }
            // Somebody may have joined meanwhile. Under the lock nobody can.
            let mut verdicts = lock(&self.verdicts);
            if self.result.receiver_count() == 0 {
                verdicts.end(&self.key, |other| other.same_channel(&self.result));
                return;
            }
        }
    }
}

impl<D> Drop for LookUp<D> {
    fn drop(&mut self) {
        lock(&self.verdicts).end(&self.key, |other| other.same_channel(&self.result));
    }
}

/// The result of a look-up, for all its waiters.
pub(super) async fn wait<D: Clone>(mut receiver: ResultReceiver<D>) -> Result<D, BoxError> {
    let result = receiver.wait_for(Option::is_some).await.map_err(|_| abandoned())?.clone();
    Ok(D::clone(&*result.ok_or_else(abandoned)??))
}

/// The look-up ended without an end.
fn abandoned() -> BoxError {
    Failure::panicked().into()
}
