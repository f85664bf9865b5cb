use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, watch};

use super::verdicts::{VerdictKey, Verdicts};
use crate::{BoxError, Failure};

type SharedResult<D> = Option<Result<Arc<D>, Failure>>;

/// Sends the result of a look-up to all waiters.
pub(super) type ResultSender<D> = watch::Sender<SharedResult<D>>;

/// Receives the result of a look-up.
pub(super) type ResultReceiver<D> = watch::Receiver<SharedResult<D>>;

/// Verdicts are behind `Arc`s: to clone or drop one itself would run the app's code under the lock.
pub(super) type KnownVerdicts<D> = Verdicts<Arc<D>, ResultSender<D>>;

pub(super) type SharedVerdicts<D> = Mutex<KnownVerdicts<D>>;

pub(super) fn lock<D>(verdicts: &SharedVerdicts<D>) -> MutexGuard<'_, KnownVerdicts<D>> {
    verdicts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look-up under way.
///
/// If it is dropped before it ends (the verifier panics), the next caller begins another one.
pub(super) struct LookUp<D> {
    key: VerdictKey,
    verdicts: Arc<SharedVerdicts<D>>,
    result: ResultSender<D>,
}

impl<D> LookUp<D> {
    /// Begins a look-up. Others see it as soon as `verdicts` is unlocked.
    pub(super) fn begin(
        verdicts: &Arc<SharedVerdicts<D>>,
        locked: &mut KnownVerdicts<D>,
        key: VerdictKey,
    ) -> (Self, ResultReceiver<D>) {
        let (result, receiver) = watch::channel(None);
        locked.begin(key, result.clone());
        (Self { key, verdicts: Arc::clone(verdicts), result }, receiver)
    }

    /// Ends the look-up with `result`. Calls `remember` with a verdict unless the look-up was invalidated, and then
    /// notifies all waiters.
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

    /// Returns when the look-up has no waiters and gets no permit to go on without them. The look-up has then ended,
    /// and the next caller begins another one.
    pub(super) async fn given_up(&self, unattended: &Semaphore) {
        loop {
            self.result.closed().await;
            if let Ok(_permit) = unattended.try_acquire() {
                return pending().await;
            }
            // A caller may have joined in the meantime. Under the lock, none can.
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

/// Waits for the result of a look-up.
pub(super) async fn wait<D: Clone>(mut receiver: ResultReceiver<D>) -> Result<D, BoxError> {
    let result = receiver.wait_for(Option::is_some).await.map_err(|_| abandoned())?.clone();
    Ok(D::clone(&*result.ok_or_else(abandoned)??))
}

/// The error of a look-up that was dropped without a result.
fn abandoned() -> BoxError {
    Failure::panicked().into()
}
