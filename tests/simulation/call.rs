//! A call of a client to a node, through the real layer with its deadline.

use std::{
    any::type_name,
    fmt::{Debug, Write},
    future::{Future, pending},
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::Empty;
use tokio::{
    sync::Semaphore,
    time::{Sleep, sleep},
};
use tower::ServiceExt;
use tower_verify::{Contract, Credential, Endpoint, Failure, Outcome, Rejection, Route, Verifier, VerifyLayer};

use crate::world::{World, lock};

/// The layer's deadline, which is its default.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// An endpoint that takes its credential from the request's extensions and puts the outcome into the response's, so that
/// a run spends its time on what is simulated.
struct Direct<C>(PhantomData<fn(C)>);

#[derive(Clone)]
struct Sent<C>(C);

struct Ended<V>(Arc<Mutex<Option<Outcome<V>>>>);

impl<V> Clone for Ended<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V: Send + 'static> Ended<V> {
    fn response(end: Outcome<V>) -> Response<Bytes> {
        let mut response = Response::default();
        response.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(end)))));
        response
    }
}

impl<C: Credential + Clone + Sync> Contract for Direct<C> {
    type Credential = C;
    type Context = ();
    const NAME: &'static str = "direct";
    const READS_BODY: bool = false;

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<C, Rejection> {
        head.extensions
            .remove::<Sent<C>>()
            .map(|sent| sent.0)
            .ok_or_else(|| Rejection::no_credential("nothing was sent"))
    }

    fn refused(&self, outcome: Outcome<C::Verdict>, (): ()) -> Response<Bytes> {
        Ended::response(outcome)
    }
}

impl<C: Credential + Clone + Sync> Endpoint for Direct<C> {
    fn route(&self) -> Route {
        Route::any()
    }

    fn admitted(&self, verdict: C::Verdict, (): ()) -> Response<Bytes> {
        Ended::response(Outcome::Verdict(verdict))
    }
}

/// How a call ended for its client.
#[derive(Debug)]
pub(crate) enum End<V> {
    Verdict(V),
    Failed(Failure),
    HungUp,
    Crashed,
}

/// A call that has ended.
pub(crate) struct Asked<V> {
    pub(crate) node: usize,
    pub(crate) end: End<V>,
    pub(crate) started: Duration,
    pub(crate) ended: Duration,
    /// The times of the node's wall clock when it began and ended.
    pub(crate) wall: (u64, u64),
    /// Whether the wall clock was not set in between.
    pub(crate) steady: bool,
    /// Whether no fault affected the node meanwhile.
    pub(crate) calm: bool,
}

/// Where a call goes to, and how long its client waits.
#[derive(Clone)]
pub(crate) struct To {
    pub(crate) node: usize,
    pub(crate) alive: Arc<Semaphore>,
    pub(crate) patience: Option<Duration>,
}

pub(crate) async fn ask<C, V>(
    world: &Arc<World>,
    to: &To,
    verifier: V,
    credential: C,
    what: impl Debug,
) -> Asked<C::Verdict>
where
    C: Credential + Clone + Sync,
    C::Verdict: Debug,
    V: Verifier<C>,
{
    let (started, before) = (world.now(), world.look(to.node));
    let name = type_name::<C>().rsplit("::").next().unwrap_or_default();
    world.note(|line| {
        let _ = write!(line, "{name} {what:?} to node {}", to.node);
    });
    let service = VerifyLayer::new(Direct::<C>(PhantomData), verifier).deadline(DEADLINE).into_service();
    let mut request = Request::new(Empty::<Bytes>::new());
    request.extensions_mut().insert(Sent(credential));
    let answer =
        Paused { world: Arc::clone(world), node: to.node, timer: None, inner: Box::pin(service.oneshot(request)) };
    let hang_up = async {
        match to.patience {
            Some(patience) => sleep(patience).await,
            None => pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        _ = to.alive.acquire() => End::Crashed,
        () = hang_up => End::HungUp,
        () = unanswered(world, to.node, started) => {
            world.broken(&format!("{name} {what:?} is not answered by its deadline"));
            End::HungUp
        }
        response = answer => {
            let Ok(mut response) = response;
            let ended = response.extensions_mut().remove::<Ended<C::Verdict>>().expect("the endpoint set it");
            match lock(&ended.0).take().expect("it is taken once") {
                Outcome::Verdict(verdict) => End::Verdict(verdict),
                Outcome::Failed(failure) => End::Failed(failure),
                other => unreachable!("{other:?}"),
            }
        }
    };
    let (ended, after) = (world.now(), world.look(to.node));
    world.note(|line| {
        let end = match &end {
            End::Verdict(verdict) => {
                let text = format!("{verdict:?}");
                text.split(['(', '{', ' ']).next().unwrap_or_default().to_owned()
            }
            End::Failed(failure) => format!("no verdict, {:?}", failure.kind()),
            End::HungUp => "the client hung up".to_owned(),
            End::Crashed => "the node crashed".to_owned(),
        };
        let _ = write!(line, "{name} {what:?} to node {}: {end}", to.node);
    });
    Asked {
        node: to.node,
        end,
        started,
        ended,
        wall: (before.wall, after.wall),
        steady: before.jumps == after.jumps,
        calm: world.calm_since(to.node, started),
    }
}

/// Returns if a call that began at `started` should have been answered by now. A pause of the node prolongs this.
async fn unanswered(world: &World, node: usize, started: Duration) {
    loop {
        let due = started.max(world.node(node).paused_until) + DEADLINE + Duration::from_millis(20);
        if due <= world.now() {
            return;
        }
        sleep(due - world.now()).await;
    }
}

/// A future that stands still while its node is paused.
struct Paused<F> {
    world: Arc<World>,
    node: usize,
    timer: Option<Pin<Box<Sleep>>>,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Paused<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        loop {
            let (now, until) = (self.world.now(), self.world.node(self.node).paused_until);
            if until <= now {
                self.timer = None;
                return self.inner.as_mut().poll(cx);
            }
            let timer = self.timer.insert(Box::pin(sleep(until - now)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
