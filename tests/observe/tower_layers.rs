//! How tower's layers around a verifier show in the events, as documented at `ServiceVerifier`.

use std::{
    future::{Ready, pending, ready},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use http::Request;
use tower::{ServiceBuilder, retry::Policy, service_fn};
use tower_verify::{
    BoxError, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    observe::{Event, EventOutcome},
    policy::ServiceVerifier,
};

use crate::support::{Recorder, body, on_paused_time, request, send};

type Validated = Result<CustomerVerdict, BoxError>;

fn layer(verifier: impl Verifier<CustomerToken>) -> VerifyLayer<CustomerEndpoint, impl Verifier<CustomerToken>> {
    VerifyLayer::new(CustomerEndpoint::new(), verifier)
}

/// Makes one check, and returns its outcome and the text of a failure's source.
fn seen(verifier: impl Verifier<CustomerToken>) -> (&'static str, Option<String>) {
    let (sender, events) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let layer = layer(verifier).observer(move |event: &Event<'_>| {
        let source = match event.outcome {
            EventOutcome::Failed(failure) => std::error::Error::source(failure).map(ToString::to_string),
            _ => None,
        };
        sender.lock().unwrap().send((event.outcome.as_str(), source)).unwrap();
    });
    on_paused_time(send(&layer, request(body("good"))));
    events.try_recv().unwrap()
}

#[test]
fn towers_timeout_is_an_error_and_the_layers_deadline_is_deadline_exceeded() {
    let slow = || service_fn(|_: Request<CustomerToken>| pending::<Validated>());
    let timeout = ServiceBuilder::new().timeout(Duration::from_secs(1)).service(slow());
    assert_eq!(seen(ServiceVerifier::new(timeout)), ("error", Some("request timed out".to_owned())));
    assert_eq!(seen(ServiceVerifier::new(slow())), ("deadline_exceeded", None));
}

#[test]
fn a_check_that_waits_for_the_concurrency_limit_exceeds_the_deadline() {
    let busy = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(service_fn(|_: Request<CustomerToken>| pending::<Validated>()));
    let recorder = Recorder::default();
    let layer = layer(ServiceVerifier::new(busy)).observer(recorder.clone()).deadline(Duration::from_secs(1));
    on_paused_time(async {
        let first = send(&layer, request(body("good")));
        let second = send(&layer, request(body("good")));
        futures::join!(first, second);
    });
    assert_eq!(recorder.outcomes(), ["deadline_exceeded"; 2]);
}

#[test]
fn a_check_that_is_shed_is_an_error_unless_it_is_mapped() {
    let shed = |mapped: bool| {
        let service = ServiceBuilder::new()
            .map_err(move |error: BoxError| match mapped && error.is::<tower::load_shed::error::Overloaded>() {
                true => tower_verify::Failure::overloaded().into(),
                false => error,
            })
            .load_shed()
            .concurrency_limit(0)
            .service(service_fn(|_: Request<CustomerToken>| pending::<Validated>()));
        seen(ServiceVerifier::new(service))
    };
    assert_eq!(shed(false), ("error", Some("service overloaded".to_owned())));
    assert_eq!(shed(true), ("overloaded", None));
}

#[derive(Clone)]
struct Again(bool);

impl<C: Clone, D> Policy<Request<C>, D, BoxError> for Again {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<C>, result: &mut Result<D, BoxError>) -> Option<Ready<()>> {
        (result.is_err() && std::mem::take(&mut self.0)).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<C>) -> Option<Request<C>> {
        Some(request.clone())
    }
}

#[test]
fn a_retried_check_is_one_event() {
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let database = service_fn(move |_: Request<CustomerToken>| {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        ready(if first { Err(BoxError::from("away")) } else { Ok(CustomerVerdict::Validated) })
    });
    let retried = ServiceBuilder::new().retry(Again(true)).service(database);
    assert_eq!(seen(ServiceVerifier::new(retried)), ("admitted", None));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}
