use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::verdicts::{VerdictKey, Verdicts};
use crate::{BoxError, Failure};

/// Where the answer of a look-up will be for all who wait for it.
pub(super) type SharedResult<D> = watch::Receiver<Option<Result<D, Failure>>>;

pub(super) type SharedVerdicts<D> = Arc<Mutex<Verdicts<D, SharedResult<D>>>>;

pub(super) fn lock<D>(verdicts: &SharedVerdicts<D>) -> MutexGuard<'_, Verdicts<D, SharedResult<D>>> {
    verdicts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look-up under way. Dropped before it has ended, as when the verifier panics, it leaves the next caller to begin
/// another.
pub(super) struct LookUp<D> {
    key: VerdictKey,
    verdicts: SharedVerdicts<D>,
    answer: watch::Sender<Option<Result<D, Failure>>>,
}

impl<D> LookUp<D> {
    /// Begins one, known to others when `verdicts` is unlocked.
    pub(super) fn begin(
        verdicts: &SharedVerdicts<D>,
        locked: &mut Verdicts<D, SharedResult<D>>,
        key: VerdictKey,
    ) -> (Self, SharedResult<D>) {
        let (sender, answer) = watch::channel(None);
        locked.begin(key, answer.clone());
        (Self { key, verdicts: Arc::clone(verdicts), answer: sender }, answer)
    }

    /// Ends it with `result`. `remember` is called if it was not invalidated, and everybody who waits is told after it.
    pub(super) fn end(
        self,
        result: Result<D, BoxError>,
        remember: impl FnOnce(&mut Verdicts<D, SharedResult<D>>, VerdictKey, &D),
    ) {
        let mut verdicts = lock(&self.verdicts);
        if verdicts.end(&self.key, |answer| self.is(answer))
            && let Ok(verdict) = &result
        {
            remember(&mut verdicts, self.key, verdict);
        }
        drop(verdicts);
        self.answer.send_replace(Some(result.map_err(Failure::from_error)));
    }

    fn is(&self, answer: &SharedResult<D>) -> bool {
        self.answer.subscribe().same_channel(answer)
    }
}

impl<D> Drop for LookUp<D> {
    fn drop(&mut self) {
        lock(&self.verdicts).end(&self.key, |answer| self.is(answer));
    }
}

/// The result of a look-up, for all its waiters.
pub(super) async fn wait<D: Clone>(mut answer: SharedResult<D>) -> Result<D, BoxError> {
    match answer.wait_for(Option::is_some).await {
        Ok(answer) => answer.clone().ok_or_else(abandoned)?.map_err(Into::into),
        Err(_) => Err(abandoned()),
    }
}

/// The look-up ended without an end.
fn abandoned() -> BoxError {
    Failure::panicked().into()
}
