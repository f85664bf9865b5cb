use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{runtime::Handle, sync::Semaphore};

/// Runs operations to completion, even if their caller stops waiting.
///
/// When a caller hangs up or a deadline passes, the future of a check is dropped wherever it is. Some operations must
/// not be left half done then, such as revoking a login whose refresh token was stolen. Run them with
/// [`run_to_end`](Self::run_to_end): if its future is dropped after its first poll, the operation continues as a tokio
/// task.
///
/// The number of operations that continue without a caller is limited. An operation above the limit is dropped, and so
/// is one whose future is dropped outside of a tokio runtime. Clones share the limit.
///
/// ```
/// use std::time::Duration;
/// use tokio::{sync::oneshot, time::{sleep, timeout}};
/// use tower_verify::store::Background;
///
/// # let mut runtime = tokio::runtime::Builder::new_current_thread();
/// # runtime.enable_all().start_paused(true).build().unwrap().block_on(async {
/// let background = Background::new(100);
/// let (sender, receiver) = oneshot::channel();
/// let revoke = background.run_to_end(async move {
///     sleep(Duration::from_millis(200)).await; // the store is slow
///     sender.send("revoked")
/// });
/// let checked = timeout(Duration::from_millis(100), revoke).await;
/// assert!(checked.is_err()); // the check was over its deadline
/// assert_eq!(receiver.await, Ok("revoked"));
/// # });
/// ```
///
/// An operation may outlive its caller, so it owns its data:
///
/// ```
/// use std::sync::Arc;
/// use tower_verify::store::{Background, Store, StoreError};
///
/// struct Logins<S> {
///     store: Arc<S>,
///     background: Background,
/// }
///
/// impl<S: Store> Logins<S> {
///     async fn revoke(&self, login: &str) -> Result<(), StoreError> {
///         let (store, login) = (Arc::clone(&self.store), login.to_owned());
///         let revoke = async move {
///             store.take(&format!("access:{login}")).await?;
///             store.take(&format!("refresh:{login}")).await?;
///             Ok(())
///         };
///         self.background.run_to_end(revoke).await
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Background {
    permits: Arc<Semaphore>,
}

impl Background {
    /// Lets at most `operations` continue without a caller at a time.
    pub fn new(operations: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(operations.min(Semaphore::MAX_PERMITS))) }
    }

    /// Runs `operation` when the returned future is polled: see [`Background`].
    pub fn run_to_end<F>(&self, operation: F) -> impl Future<Output = F::Output> + Send + use<F>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        RunToEnd { operation: Some(Box::pin(operation)), begun: false, permits: Arc::clone(&self.permits) }
    }
}

/// Lets at most 1,000 operations continue without a caller.
impl Default for Background {
    fn default() -> Self {
        Self::new(1000)
    }
}

struct RunToEnd<F: Future<Output: Send> + Send + 'static> {
    operation: Option<Pin<Box<F>>>,
    /// Whether it was polled. An operation that was never polled has nothing to complete.
    begun: bool,
    permits: Arc<Semaphore>,
}

impl<F: Future<Output: Send> + Send + 'static> Future for RunToEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.begun = true;
        // Taken out, so that `drop` does not continue an operation that panicked.
        let mut operation = self.operation.take().expect("a future is not polled after it completed");
        let polled = operation.as_mut().poll(cx);
        if polled.is_pending() {
            self.operation = Some(operation);
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for RunToEnd<F> {
    fn drop(&mut self) {
        let Some(operation) = self.operation.take().filter(|_| self.begun) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        runtime.spawn(async move {
            operation.await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use futures_util::FutureExt;
    use tokio::time::{Duration, sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn dropped_operations_complete_up_to_the_limit() {
        let (background, ended) = (Background::new(3), Arc::<AtomicUsize>::default());
        let run = || {
            let ended = Arc::clone(&ended);
            background.run_to_end(async move {
                sleep(Duration::from_secs(1)).await;
                ended.fetch_add(1, SeqCst)
            })
        };
        for _ in 0..5 {
            assert!(timeout(Duration::from_millis(1), run()).await.is_err());
        }
        drop(run());
        sleep(Duration::from_secs(2)).await;
        assert_eq!(ended.load(SeqCst), 3);
        assert_eq!(run().await, 3, "an operation with a caller needs no permit");
        assert!(timeout(Duration::from_millis(1), run()).await.is_err());
        sleep(Duration::from_secs(2)).await;
        assert_eq!(ended.load(SeqCst), 5, "completed operations release their permits");
    }

    #[tokio::test]
    async fn an_operation_that_panicked_is_not_polled_again() {
        let background = Background::default();
        let mut panicking = Box::pin(background.run_to_end(async { panic!("on purpose") }));
        let polled = std::panic::AssertUnwindSafe(panicking.as_mut()).catch_unwind().await;
        assert!(polled.is_err());
        drop(panicking);
        assert_eq!(background.permits.available_permits(), 1000);
    }

    #[test]
    fn outside_of_a_runtime_the_operation_is_dropped() {
        let mut pending = Box::pin(Background::default().run_to_end(std::future::pending::<()>()));
        assert!(pending.as_mut().now_or_never().is_none());
    }
}
