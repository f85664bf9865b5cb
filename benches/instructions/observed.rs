//! The layer with each observer. Each scenario is a process of its own, so it may install a global subscriber or
//! recorder.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower_layer::Layer;
use tower_service::Service;
use tower_verify::{
    VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken},
    observe::{AuditLog, Event, MetricsObserver, Observer, Pseudonyms, TracingObserver},
};
use tracing::Level;

use crate::{support::Incoming, throttled::OneToken};

type Bare = Response<Full<Bytes>>;

/// An observer that does nothing, for the cost of the event itself.
pub(crate) fn event<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    observed(inner, |_: &Event<'_>| {})
}

/// `TracingObserver` without a subscriber.
pub(crate) fn tracing_off<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    observed(inner, TracingObserver::new())
}

/// `TracingObserver` with a subscriber for warnings and errors.
pub(crate) fn tracing_warnings<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(io::sink).init();
    observed(inner, TracingObserver::new())
}

/// `TracingObserver` with a subscriber for every call.
pub(crate) fn tracing_all<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::sink).init();
    observed(inner, TracingObserver::new())
}

/// `MetricsObserver` with a Prometheus recorder.
pub(crate) fn metrics<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    PrometheusBuilder::new().install_recorder().expect("another recorder is installed");
    observed(inner, MetricsObserver::new())
}

/// `AuditLog` with a pseudonym of the customer.
pub(crate) fn audit<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    let pseudonyms = Pseudonyms::new([7; 32]);
    let principals = pseudonyms.clone();
    VerifyLayer::new(CustomerEndpoint::new(), OneToken)
        .observer(AuditLog::new(io::sink(), pseudonyms))
        .principal(move |token: &CustomerToken| Some(principals.of(token.customer_no.expose_secret())))
        .layer(inner)
}

fn observed<S>(inner: S, observer: impl Observer) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    VerifyLayer::new(CustomerEndpoint::new(), OneToken).observer(observer).layer(inner)
}
