//! The layer with each observer. A scenario has its process for itself, so that it may install what is global.

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

/// An observer that does nothing: what the event itself costs.
pub(crate) fn event<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    observed(inner, |_: &Event<'_>| {})
}

/// Logging, with nobody who wants the log.
pub(crate) fn tracing_off<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    observed(inner, TracingObserver::new())
}

/// Logging in the way of an operator's night: what goes well is not written.
pub(crate) fn tracing_warnings<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(io::sink).init();
    observed(inner, TracingObserver::new())
}

/// Logging of each call.
pub(crate) fn tracing_all<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::sink).init();
    observed(inner, TracingObserver::new())
}

/// Metrics for Prometheus.
pub(crate) fn metrics<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    PrometheusBuilder::new().install_recorder().expect("there is no other recorder");
    observed(inner, MetricsObserver::new())
}

/// An audit of pseudonyms.
pub(crate) fn audit<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    let pseudonyms = Pseudonyms::new([7; 32]);
    let principals = pseudonyms.clone();
    VerifyLayer::new(CustomerEndpoint::new(), OneToken)
        .observer(AuditLog::new(io::sink(), pseudonyms))
        .principal(move |token: &CustomerToken| Some(principals.of(token.customer_no.expose_secret())))
        .layer(inner)
}

fn observed<S>(inner: S, observer: impl Observer) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    VerifyLayer::new(CustomerEndpoint::new(), OneToken).observer(observer).layer(inner)
}
