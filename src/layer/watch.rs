use std::{any::Any, net::IpAddr, time::Instant};

use http::{StatusCode, request::Parts};

use super::settings::Settings;
use crate::{
    Failure, Outcome, Rejection, Verdict,
    observe::{Event, EventOutcome, Pseudonym, isolate},
};

/// Finds the principal of a credential of one type.
pub(super) type PrincipalOf = dyn Fn(&dyn Any) -> Option<Pseudonym> + Send + Sync;

/// The data of a call for its observer, if there is one.
///
/// Without an observer, a call pays only for the test of this `Option`: the code for observers is out of line.
#[derive(Default)]
pub(super) struct Watch(Option<Watched>);

struct Watched {
    started: Instant,
    read: Option<Instant>,
    verifying: Option<Instant>,
    body_bytes: Option<usize>,
    principal: Option<Pseudonym>,
    client: Option<IpAddr>,
    ending: Ending,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// An outcome without its verdict.
enum Ending {
    Admitted,
    Denied(&'static str),
    Rejected(Rejection),
    Failed(Failure),
    Cancelled,
}

impl Watch {
    /// Records that a call has arrived.
    #[inline]
    pub(super) fn start(&mut self, settings: &Settings, endpoint: &'static str, head: &Parts) {
        if settings.observer.is_some() {
            self.0 = Watched::start(settings, endpoint, head);
        }
    }

    /// Records that the body was read.
    #[inline]
    pub(super) fn read(&mut self, bytes: usize) {
        if let Some(watched) = &mut self.0 {
            watched.read(bytes);
        }
    }

    /// Whether the call is observed.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records that the verifier is asked about this credential.
    pub(super) fn verifying(&mut self, settings: &Settings, credential: &dyn Any) {
        if let Some(watched) = &mut self.0 {
            let principal = settings.principal.as_ref();
            watched.principal = principal.and_then(|principal| isolate(|| principal(credential)).flatten());
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

    /// Records a positive verdict.
    #[inline]
    pub(super) fn admitted(&mut self) {
        if let Some(watched) = &mut self.0 {
            watched.ending = Ending::Admitted;
        }
    }

    /// Records a negative verdict, or a rejection.
    #[inline]
    pub(super) fn refused<V: Verdict>(&mut self, outcome: &Outcome<V>) {
        if let Some(watched) = &mut self.0 {
            watched.refused(outcome);
        }
    }

    /// Records that there is no verdict, or no response to it.
    #[cold]
    pub(super) fn failed(&mut self, failure: &Failure) {
        if let Some(watched) = &mut self.0 {
            watched.ending = Ending::Failed(failure.clone());
        }
    }

    /// Tells the observer, once, that the call has ended. `status` is that of the layer's response, if it made one.
    #[inline]
    pub(super) fn end(&mut self, settings: &Settings, endpoint: &'static str, status: Option<StatusCode>) {
        if self.0.is_some() {
            self.tell(settings, endpoint, status);
        }
    }

    #[cold]
    fn tell(&mut self, settings: &Settings, endpoint: &'static str, status: Option<StatusCode>) {
        let (Some(watched), Some(observer)) = (self.0.take(), &settings.observer) else { return };
        let now = Instant::now();
        let event = Event {
            endpoint,
            outcome: match &watched.ending {
                Ending::Admitted => EventOutcome::Admitted,
                Ending::Denied(verdict) => EventOutcome::Denied(verdict),
                Ending::Rejected(rejection) => EventOutcome::Rejected(rejection),
                Ending::Failed(failure) => EventOutcome::Failed(failure),
                Ending::Cancelled => EventOutcome::Cancelled,
            },
            status,
            body_bytes: watched.body_bytes,
            reading: watched.read.or(watched.verifying).unwrap_or(now).duration_since(watched.started),
            verifying: watched.verifying.map(|since| now.duration_since(since)),
            total: now.duration_since(watched.started),
            principal: watched.principal,
            client: watched.client,
        };
        #[cfg(feature = "tracing")]
        let _entered = watched.span.enter();
        isolate(|| observer.observe(&event));
    }
}

impl Watched {
    #[cold]
    fn start(settings: &Settings, endpoint: &'static str, head: &Parts) -> Option<Self> {
        let observer = settings.observer.as_ref()?;
        let started = Instant::now();
        isolate(|| observer.started(endpoint));
        Some(Self {
            started,
            read: None,
            verifying: None,
            body_bytes: None,
            principal: None,
            client: settings.client_addr.find(&head.headers, &head.extensions),
            ending: Ending::Cancelled,
            #[cfg(feature = "tracing")]
            span: isolate(|| observer.span(endpoint)).unwrap_or_else(tracing::Span::none),
        })
    }

    #[cold]
    fn read(&mut self, bytes: usize) {
        self.read = Some(Instant::now());
        self.body_bytes = Some(bytes);
    }

    #[cold]
    fn refused<V: Verdict>(&mut self, outcome: &Outcome<V>) {
        self.ending = match outcome {
            Outcome::Rejected(rejection) => Ending::Rejected(rejection.clone()),
            Outcome::Verdict(verdict) => Ending::Denied(isolate(|| verdict.name()).unwrap_or("denied")),
            Outcome::Failed(failure) => Ending::Failed(failure.clone()),
        };
    }
}
