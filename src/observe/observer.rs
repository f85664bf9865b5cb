use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::Event;
use crate::Failure;

/// Sees every call of the endpoints and guards that it is set for.
///
/// Set it with [`VerifyLayer::observer`](crate::VerifyLayer::observer) or
/// [`Endpoints::observed_by`](crate::Endpoints::observed_by).
///
/// It runs in the task of the call, before the response is sent, so it must not block. If it panics, the panic is
/// caught and the response stays the same.
///
/// A closure is an observer, and a pair of observers is an observer.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     observe::{Event, EventOutcome},
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)).observer(|event: &Event<'_>| {
///     if let EventOutcome::Failed(failure) = event.outcome {
///         eprintln!("{}: {failure} after {:?}", event.endpoint, event.total);
///     }
/// });
/// ```
///
/// An observer of a type of its own also sees that calls start:
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use tower_verify::{
///     Endpoints,
///     observe::{Event, Observer, TracingObserver},
/// };
///
/// /// The number of calls under way.
/// #[derive(Default)]
/// struct UnderWay(AtomicUsize);
///
/// impl Observer for UnderWay {
///     fn observe(&self, _: &Event<'_>) {
///         self.0.fetch_sub(1, Ordering::Relaxed);
///     }
///
///     fn started(&self, _: &'static str) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let endpoints = Endpoints::observed_by((TracingObserver::new(), UnderWay::default()));
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Called once for each call, when it has ended.
    fn observe(&self, event: &Event<'_>);

    /// Called when a request arrives at the endpoint or guard with this [name](crate::Contract::NAME). Each call that
    /// starts is also [observed](Self::observe). The default does nothing.
    fn started(&self, endpoint: &'static str) {
        let _ = endpoint;
    }

    /// The span in which the verifier runs and the event is observed. The default is none.
    #[cfg(feature = "tracing")]
    fn span(&self, endpoint: &'static str) -> tracing::Span {
        let _ = endpoint;
        tracing::Span::none()
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }

    fn started(&self, endpoint: &'static str) {
        (**self).started(endpoint);
    }

    #[cfg(feature = "tracing")]
    fn span(&self, endpoint: &'static str) -> tracing::Span {
        (**self).span(endpoint)
    }
}

/// Both observers see each call, even if the first one panics. The span is the first observer's, or the second one's if
/// the first has none.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&self, event: &Event<'_>) {
        isolate(|| self.0.observe(event));
        self.1.observe(event);
    }

    fn started(&self, endpoint: &'static str) {
        isolate(|| self.0.started(endpoint));
        self.1.started(endpoint);
    }

    #[cfg(feature = "tracing")]
    fn span(&self, endpoint: &'static str) -> tracing::Span {
        let span = self.0.span(endpoint);
        if span.is_none() { self.1.span(endpoint) } else { span }
    }
}

/// Calls an observer. Returns `None` if it panics.
pub(crate) fn isolate<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).map_err(Failure::from_panic).ok()
}
