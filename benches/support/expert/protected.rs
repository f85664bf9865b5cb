//! The panic guard and the deadline around a handler.

use std::{
    convert::Infallible,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    task::coop::unconstrained,
    time::{Sleep, sleep},
};

use super::Answer;

const LIMIT: Duration = Duration::from_secs(5);

/// Answers with `failed()` if `handler` panics, or is not ready within the deadline.
pub(super) fn protected<F: Future<Output = Answer>>(handler: F, failed: fn() -> Answer) -> Protected<F> {
    Protected { handler, deadline: Deadline::Unarmed, failed }
}

/// A server hands over a request before its body, so the first `Pending` polls again instead of arming a timer.
enum Deadline {
    Unarmed,
    PolledAgain,
    Armed(Pin<Box<Sleep>>),
}

pin_project! {
    pub(super) struct Protected<F> {
        #[pin]
        handler: F,
        deadline: Deadline,
        failed: fn() -> Answer,
    }
}

impl<F: Future<Output = Answer>> Future for Protected<F> {
    type Output = Result<Answer, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let passed = match catch_unwind(AssertUnwindSafe(|| this.handler.poll(cx))) {
            Ok(Poll::Ready(answer)) => return Poll::Ready(Ok(answer)),
            Ok(Poll::Pending) => this.deadline.poll_passed(cx),
            Err(_) => Poll::Ready(()),
        };
        passed.map(|()| Ok((this.failed)()))
    }
}

impl Deadline {
    fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Unarmed = self {
            *self = Self::PolledAgain;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Self::PolledAgain = self {
            *self = Self::Armed(Box::pin(sleep(LIMIT)));
        }
        let Self::Armed(timer) = self else { unreachable!("it was armed above") };
        pin!(unconstrained(timer)).poll(cx)
    }
}
