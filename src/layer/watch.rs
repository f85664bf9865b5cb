use std::{any::Any, net::IpAddr, sync::Arc, time::Instant};

use http::{Request, StatusCode, request::Parts};

use super::settings::Settings;
use crate::{
    Failure, Outcome, Rejection, Verdict,
    observe::{Event, EventOutcome, Observer, Pseudonym, isolate},
};

/// What the observer of a call is told of it, if there is one. It is told when this is dropped.
pub(super) struct Watch(Option<Watched>);

struct Watched {
    observer: Arc<dyn Observer>,
    endpoint: &'static str,
    started: Instant,
    read: Option<Instant>,
    verifying: Option<Instant>,
    body_bytes: Option<usize>,
    principal: Option<Pseudonym>,
    client: Option<IpAddr>,
    ending: Ending,
    status: Option<StatusCode>,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// The principal of a request, which is the `Request` of one type of credential.
pub(super) type PrincipalOf = dyn Fn(&dyn Any) -> Option<Pseudonym> + Send + Sync;

/// An outcome without its verdict.
enum Ending {
    Admitted,
    Denied(&'static str),
    Rejected(Rejection),
    Failed(Failure),
    Cancelled,
}

impl Watch {
    /// Tells the observer that a call has arrived.
    #[inline]
    pub(super) fn start(settings: &Settings, endpoint: &'static str, head: &Parts) -> Self {
        Self(settings.observer.as_ref().map(|observer| Watched::start(observer, settings, endpoint, head)))
    }

    /// The body was read.
    #[inline]
    pub(super) fn read(&mut self, bytes: usize) {
        if let Some(watched) = &mut self.0 {
            watched.read = Some(Instant::now());
            watched.body_bytes = Some(bytes);
        }
    }

    /// The verifier is asked about this request.
    #[inline]
    pub(super) fn verifying<C: 'static>(&mut self, settings: &Settings, request: &Request<C>) {
        if let Some(watched) = &mut self.0 {
            let principal = settings.principal.as_ref();
            watched.principal = principal.and_then(|principal| isolate(|| principal(request)).flatten());
            watched.verifying = Some(Instant::now());
        }
    }

    /// Runs `poll` inside the observer's span.
    #[inline]
    pub(super) fn in_span<T>(&self, poll: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        let _entered = self.0.as_ref().map(|watched| watched.span.enter());
        poll()
    }

    /// There is an outcome.
    #[inline]
    pub(super) fn outcome<V: Verdict>(&mut self, outcome: &Outcome<V>) {
        if let Some(watched) = &mut self.0 {
            watched.ending = match outcome {
                Outcome::Verdict(verdict) if verdict.admits() => Ending::Admitted,
                Outcome::Verdict(verdict) => Ending::Denied(isolate(|| verdict.name()).unwrap_or("denied")),
                Outcome::Rejected(rejection) => Ending::Rejected(rejection.clone()),
                Outcome::Failed(failure) => Ending::Failed(failure.clone()),
            };
        }
    }

    /// The response panicked.
    #[cold]
    pub(super) fn failed(&mut self, failure: &Failure) {
        if let Some(watched) = &mut self.0 {
            watched.ending = Ending::Failed(failure.clone());
        }
    }

    /// The call has ended, with a response of this status if it is the layer's.
    #[inline]
    pub(super) fn end(&mut self, status: Option<StatusCode>) {
        if let Some(mut watched) = self.0.take() {
            watched.status = status;
        }
    }
}

impl Watched {
    #[inline(never)]
    fn start(observer: &Arc<dyn Observer>, settings: &Settings, endpoint: &'static str, head: &Parts) -> Self {
        let started = Instant::now();
        isolate(|| observer.started(endpoint));
        Self {
            endpoint,
            started,
            read: None,
            verifying: None,
            body_bytes: None,
            principal: None,
            client: settings.client_addr.find(&head.headers, &head.extensions),
            ending: Ending::Cancelled,
            status: None,
            #[cfg(feature = "tracing")]
            span: isolate(|| observer.span(endpoint)).unwrap_or_else(tracing::Span::none),
            observer: Arc::clone(observer),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let now = Instant::now();
        let event = Event {
            endpoint: self.endpoint,
            outcome: match &self.ending {
                Ending::Admitted => EventOutcome::Admitted,
                Ending::Denied(verdict) => EventOutcome::Denied(verdict),
                Ending::Rejected(rejection) => EventOutcome::Rejected(rejection),
                Ending::Failed(failure) => EventOutcome::Failed(failure),
                Ending::Cancelled => EventOutcome::Cancelled,
            },
            status: self.status,
            body_bytes: self.body_bytes,
            reading: self.read.or(self.verifying).unwrap_or(now).duration_since(self.started),
            verifying: self.verifying.map(|since| now.duration_since(since)),
            total: now.duration_since(self.started),
            principal: self.principal,
            client: self.client,
        };
        #[cfg(feature = "tracing")]
        let _entered = self.span.enter();
        isolate(|| self.observer.observe(&event));
    }
}
