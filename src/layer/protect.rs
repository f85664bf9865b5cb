use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::Failure;

/// A step by step computation that can panic.
pub(super) trait Guarded {
    /// The state that is polled. It can be pinned.
    type State;
    type Polled;
    type Output;

    fn poll(&mut self, state: Pin<&mut Self::State>, cx: &mut Context<'_>) -> Poll<Self::Polled>;

    /// The state after it was polled to its end.
    fn ended() -> Self::State;

    /// Finishes with what was polled, or with the failure that ended it.
    fn finish(&mut self, end: Result<Self::Polled, Failure>) -> Self::Output;

    /// Finishes when [`finish`](Self::finish) has panicked. It must not panic.
    fn broken(&mut self, failure: Failure) -> Self::Output;
}

/// Polls once, and turns a panic or a passed deadline into a [`Failure`].
///
/// There is one panic guard around everything. When the state is ready, it is replaced by the ended one inside of the
/// guard, because dropping it can panic too.
#[inline(always)]
pub(super) fn protect<G: Guarded>(
    guarded: &mut G,
    deadline: &mut Deadline,
    cx: &mut Context<'_>,
    mut state: Pin<&mut G::State>,
) -> Poll<G::Output> {
    let mut finishing = false;
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let end = ready!(match guarded.poll(state.as_mut(), cx) {
            Poll::Ready(polled) => Poll::Ready(Ok(polled)),
            Poll::Pending => deadline.poll_exceeded(cx).map(Err),
        });
        state.set(G::ended());
        finishing = true;
        Poll::Ready(guarded.finish(end))
    }));
    polled.unwrap_or_else(|payload| Poll::Ready(after_panic(guarded, state, finishing, payload)))
}

#[cold]
#[inline(never)]
fn after_panic<G: Guarded>(
    guarded: &mut G,
    mut state: Pin<&mut G::State>,
    finishing: bool,
    payload: Box<dyn Any + Send>,
) -> G::Output {
    let failure = Failure::from_panic(payload);
    if finishing {
        return guarded.broken(failure);
    }
    // The result is a failure already, so only the payload of a second panic is dropped.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| state.set(G::ended()))) {
        Failure::from_panic(payload);
    }
    let finished = catch_unwind(AssertUnwindSafe(|| guarded.finish(Err(failure))));
    finished.unwrap_or_else(|payload| guarded.broken(Failure::from_panic(payload)))
}

pub(super) use deadline::Deadline;

#[cfg(feature = "deadline")]
mod deadline {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll},
        time::Duration,
    };

    use tokio::{
        task::coop::unconstrained,
        time::{Sleep, sleep},
    };

    use crate::Failure;

    /// A time limit, counted from the second `Pending`. Until then there is no timer.
    ///
    /// The first `Pending` re-polls instead of arming the timer. A server hands over a request before its body, but the
    /// body has mostly arrived already, and arming a timer costs more than the rest of a check.
    pub(in crate::layer) enum Deadline {
        Never,
        After(Duration),
        PolledAgain(Duration),
        Armed(Pin<Box<Sleep>>),
    }

    impl Deadline {
        pub(in crate::layer) fn after(limit: Option<Duration>) -> Self {
            limit.map_or(Self::Never, Self::After)
        }

        pub(in crate::layer) fn poll_exceeded(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
            loop {
                match self {
                    Self::Never => return Poll::Pending,
                    Self::After(limit) => {
                        *self = Self::PolledAgain(*limit);
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Self::PolledAgain(limit) => *self = Self::Armed(Box::pin(sleep(*limit))),
                    // Under tokio's budget, a verifier that uses the budget up would keep the timer pending.
                    Self::Armed(timer) => {
                        return pin!(unconstrained(timer)).poll(cx).map(|()| Failure::deadline_exceeded());
                    }
                }
            }
        }
    }
}

#[cfg(not(feature = "deadline"))]
mod deadline {
    use std::{
        task::{Context, Poll},
        time::Duration,
    };

    use crate::Failure;

    /// Without the feature `deadline` there is no timer, and no limit can be set.
    pub(in crate::layer) struct Deadline;

    impl Deadline {
        pub(in crate::layer) fn after(_limit: Option<Duration>) -> Self {
            Self
        }

        pub(in crate::layer) fn poll_exceeded(&mut self, _cx: &mut Context<'_>) -> Poll<Failure> {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, pending, poll_fn, ready},
        marker::PhantomData,
    };

    use futures_util::FutureExt;
    use pin_project_lite::pin_project;

    use super::*;
    use crate::FailureKind;

    const NEVER: Option<std::time::Duration> = None;

    pin_project! {
        /// A future under [`protect`].
        struct Protected<F> {
            #[pin]
            future: Option<F>,
            deadline: Deadline,
        }
    }

    impl<F: Future> Protected<F> {
        fn new(future: F, deadline: Deadline) -> Self {
            Self { future: Some(future), deadline }
        }
    }

    /// Finishes with what was polled.
    struct Polled<F>(PhantomData<F>);

    impl<F: Future> Guarded for Polled<F> {
        type State = Option<F>;
        type Polled = F::Output;
        type Output = Result<F::Output, Failure>;

        fn poll(&mut self, future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
            future.as_pin_mut().expect("a future must not be polled after it is ready").poll(cx)
        }

        fn ended() -> Option<F> {
            None
        }

        fn finish(&mut self, end: Result<F::Output, Failure>) -> Self::Output {
            end
        }

        fn broken(&mut self, failure: Failure) -> Self::Output {
            Err(failure)
        }
    }

    impl<F: Future> Future for Protected<F> {
        type Output = Result<F::Output, Failure>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            let this = self.project();
            protect(&mut Polled(PhantomData), this.deadline, cx, this.future)
        }
    }

    #[test]
    fn an_output_passes() {
        assert_eq!(Protected::new(ready(7), Deadline::after(NEVER)).now_or_never().unwrap().unwrap(), 7);
    }

    #[test]
    fn a_panic_is_a_failure_without_its_message() {
        let future = Protected::new(poll_fn(|_| -> Poll<()> { panic!("605b32dd") }), Deadline::after(NEVER));
        let failure: Failure = future.now_or_never().unwrap().unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Panicked);
        assert!(!format!("{failure:?} {failure}").contains("605b"));
    }

    struct PanicsWhenDropped(fn() -> Poll<u8>);

    impl Future for PanicsWhenDropped {
        type Output = u8;

        fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<u8> {
            (self.0)()
        }
    }

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("605b32dd");
        }
    }

    #[test]
    fn a_panic_when_the_future_is_dropped_is_a_failure_too() {
        let polls: [fn() -> Poll<u8>; 2] = [|| Poll::Ready(7), || panic!("605b32dd")];
        for poll in polls {
            let future = Protected::new(PanicsWhenDropped(poll), Deadline::after(NEVER));
            assert_eq!(future.now_or_never().unwrap().unwrap_err().kind(), FailureKind::Panicked);
        }
    }

    struct PanicsWhenItIsDropped;

    impl Drop for PanicsWhenItIsDropped {
        fn drop(&mut self) {
            std::panic::panic_any(PanicsWhenItIsDropped);
        }
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_a_failure_too() {
        struct Panics;

        impl Future for Panics {
            type Output = ();

            fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
                std::panic::panic_any(PanicsWhenItIsDropped)
            }
        }

        impl Drop for Panics {
            fn drop(&mut self) {
                std::panic::panic_any(PanicsWhenItIsDropped);
            }
        }

        let end = Protected::new(Panics, Deadline::after(NEVER)).now_or_never().unwrap();
        assert_eq!(end.unwrap_err().kind(), FailureKind::Panicked);
    }

    #[test]
    fn without_a_limit_it_waits() {
        assert!(Protected::new(pending::<()>(), Deadline::after(NEVER)).now_or_never().is_none());
    }

    #[cfg(feature = "deadline")]
    mod deadline {
        use std::{
            pin::pin,
            sync::{
                Arc,
                atomic::{AtomicUsize, Ordering},
            },
            task::{Wake, Waker},
            time::Duration,
        };

        use tokio::time::{Instant, sleep};

        use super::*;

        const LIMIT: Option<Duration> = Some(Duration::from_secs(5));

        /// Far more than anything here needs.
        const PATIENCE: Duration = Duration::from_secs(60);

        #[tokio::test(start_paused = true)]
        async fn a_future_that_takes_longer_fails_at_the_limit() {
            let start = Instant::now();
            let failure = Protected::new(pending::<()>(), Deadline::after(LIMIT)).await.unwrap_err();
            assert_eq!(failure.kind(), FailureKind::DeadlineExceeded);
            assert_eq!(start.elapsed().as_secs(), 5);
        }

        #[tokio::test(start_paused = true)]
        async fn a_future_that_takes_longer_and_panics_when_dropped_is_a_failure() {
            let future = Protected::new(PanicsWhenDropped(|| Poll::Pending), Deadline::after(LIMIT));
            assert_eq!(future.await.unwrap_err().kind(), FailureKind::Panicked);
        }

        /// These use up the task's budget in each poll, and are woken at once.
        #[tokio::test]
        async fn a_future_that_uses_up_the_budget_fails_at_the_limit() {
            async fn consume() {
                loop {
                    tokio::task::consume_budget().await;
                }
            }

            async fn receive() {
                let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
                loop {
                    sender.send(()).unwrap();
                    receiver.recv().await;
                }
            }

            let limit = Some(Duration::from_millis(50));
            for busy in [consume().left_future(), receive().right_future()] {
                let ended = tokio::time::timeout(PATIENCE, Protected::new(busy, Deadline::after(limit))).await;
                assert_eq!(ended.expect("it ends").unwrap_err().kind(), FailureKind::DeadlineExceeded);
            }
        }

        #[tokio::test(start_paused = true)]
        async fn an_output_in_time_passes() {
            let slow = sleep(Duration::from_millis(4999));
            Protected::new(slow, Deadline::after(LIMIT)).await.unwrap();
        }

        #[test]
        fn no_timer_is_armed_before_the_second_pending() {
            // Outside of a tokio runtime a timer cannot even be made.
            let mut cx = Context::from_waker(Waker::noop());
            for pending_polls in [0, 1, 2] {
                let mut polls = 0;
                let ready_late = poll_fn(|_| {
                    polls += 1;
                    if polls > pending_polls { Poll::Ready(()) } else { Poll::Pending }
                });
                let mut protected = pin!(Protected::new(ready_late, Deadline::after(LIMIT)));
                let end = loop {
                    if let Poll::Ready(end) = protected.as_mut().poll(&mut cx) {
                        break end;
                    }
                };
                assert_eq!(
                    end.map_err(|failure| failure.kind()),
                    match pending_polls {
                        2 => Err(FailureKind::Panicked),
                        _ => Ok(()),
                    }
                );
            }
        }

        #[test]
        fn the_first_pending_wakes_the_task() {
            struct Woken(AtomicUsize);

            impl Wake for Woken {
                fn wake(self: Arc<Self>) {
                    self.0.fetch_add(1, Ordering::Relaxed);
                }
            }

            let woken = Arc::new(Woken(AtomicUsize::new(0)));
            let mut protected = pin!(Protected::new(pending::<()>(), Deadline::after(LIMIT)));
            assert!(protected.as_mut().poll(&mut Context::from_waker(&woken.clone().into())).is_pending());
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        }
    }
}
