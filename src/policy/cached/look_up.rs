use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::verdicts::{Place, Verdicts};
use crate::{BoxError, Failure, FailureKind};

/// Where the answer of a look-up will be for all who wait for it.
pub(super) type Answer<D> = watch::Receiver<Option<Result<D, NoVerdict>>>;

pub(super) type SharedVerdicts<D> = Arc<Mutex<Verdicts<D, Answer<D>>>>;

pub(super) fn lock<D>(verdicts: &SharedVerdicts<D>) -> MutexGuard<'_, Verdicts<D, Answer<D>>> {
    verdicts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look-up under way. Dropped before it has ended, as when the verifier panics, it leaves the next caller to begin
/// another.
pub(super) struct LookUp<D> {
    place: Place,
    verdicts: SharedVerdicts<D>,
    answer: watch::Sender<Option<Result<D, NoVerdict>>>,
}

impl<D> LookUp<D> {
    /// Begins one, known to others when `verdicts` is unlocked.
    pub(super) fn begin(
        verdicts: &SharedVerdicts<D>,
        locked: &mut Verdicts<D, Answer<D>>,
        place: Place,
    ) -> (Self, Answer<D>) {
        let (sender, answer) = watch::channel(None);
        locked.begin(place, answer.clone());
        (Self { place, verdicts: Arc::clone(verdicts), answer: sender }, answer)
    }

    /// Ends it with `result`. `remember` is called if it was not invalidated, and everybody who waits is told after it.
    pub(super) fn end(
        self,
        result: Result<D, BoxError>,
        remember: impl FnOnce(&mut Verdicts<D, Answer<D>>, Place, &D),
    ) {
        let mut verdicts = lock(&self.verdicts);
        if verdicts.end(&self.place, |answer| self.is(answer))
            && let Ok(verdict) = &result
        {
            remember(&mut verdicts, self.place, verdict);
        }
        drop(verdicts);
        self.answer.send_replace(Some(result.map_err(NoVerdict::from_error)));
    }

    fn is(&self, answer: &Answer<D>) -> bool {
        self.answer.subscribe().same_channel(answer)
    }
}

impl<D> Drop for LookUp<D> {
    fn drop(&mut self) {
        lock(&self.verdicts).end(&self.place, |answer| self.is(answer));
    }
}

/// What a look-up says to those who wait for it.
pub(super) async fn wait<D: Clone>(mut answer: Answer<D>) -> Result<D, BoxError> {
    match answer.wait_for(Option::is_some).await {
        Ok(answer) => answer.clone().ok_or_else(abandoned)?.map_err(|none| none.into_failure().into()),
        Err(_) => Err(abandoned()),
    }
}

/// The look-up ended without an end.
fn abandoned() -> BoxError {
    Failure::panicked(Box::new(())).into()
}

/// Why there is no verdict, for all who wait for one.
#[derive(Clone)]
pub(super) struct NoVerdict {
    kind: FailureKind,
    retry_after: Option<Duration>,
    error: SharedError,
}

impl NoVerdict {
    fn from_error(error: BoxError) -> Self {
        let failure = error.downcast_ref::<Failure>();
        let kind = failure.map_or(FailureKind::Error, Failure::kind);
        Self { kind, retry_after: failure.and_then(Failure::retry_after), error: SharedError(error.into()) }
    }

    fn into_failure(self) -> Failure {
        match (self.kind, self.retry_after) {
            (FailureKind::Throttled, Some(retry_after)) => Failure::throttled(retry_after),
            (FailureKind::Panicked, _) => Failure::panicked(Box::new(())),
            #[cfg(feature = "deadline")]
            (FailureKind::DeadlineExceeded, _) => Failure::deadline_exceeded(),
            _ => Failure::from_error(self.error),
        }
    }
}

/// One error, for many.
#[derive(Clone)]
struct SharedError(Arc<dyn Error + Send + Sync>);

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for SharedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
