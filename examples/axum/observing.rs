//! Logs, set by `RUST_LOG`, and metrics, health and readiness on a separate address for operators.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use http::StatusCode;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::TcpListener,
    time::{interval, timeout},
};
use tower_verify::{
    BoxError,
    observe::{MetricsObserver, TracingObserver, record_keys},
    store::{SharedStore, Store},
    token::KeyRing,
};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// The observers of all endpoints and guards.
pub(crate) type Observers = Arc<(TracingObserver, MetricsObserver)>;

pub(crate) fn observers() -> Observers {
    Arc::new((TracingObserver::new(), MetricsObserver::new()))
}

/// Logs to standard error. The default is failures and throttled calls; `RUST_LOG=tower_verify=debug` logs every call.
pub(crate) fn log() -> Result<(), BoxError> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env()?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init()
}

/// Installs the recorder of metrics. Anything measured before that is lost.
pub(crate) fn record_metrics() -> Result<PrometheusHandle, BoxError> {
    const SECONDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 5.0];
    const BYTES: [f64; 5] = [128.0, 512.0, 2048.0, 8192.0, 16384.0];
    let handle = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("body.size".into()), &BYTES)?
        .install_recorder()?;
    let metrics = handle.clone();
    tokio::spawn(async move {
        let mut interval = interval(Duration::from_secs(5));
        loop {
            interval.tick().await;
            // Without this, samples pile up in memory until somebody scrapes them.
            metrics.run_upkeep();
        }
    });
    Ok(handle)
}

/// Serves `/metrics` for Prometheus, `/healthz` (the process answers) and `/readyz` (its store answers too).
pub(crate) async fn serve(listener: TcpListener, metrics: PrometheusHandle, keys: KeyRing, store: SharedStore) {
    let scrape = move || async move {
        record_keys("tokens", &keys);
        metrics.render()
    };
    let ready = move || async move {
        match timeout(Duration::from_secs(1), store.get("ready")).await {
            Ok(Ok(_)) => (StatusCode::OK, "ready"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"),
        }
    };
    let app = Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(|| async { "healthy" }))
        .route("/readyz", get(ready));
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!("no metrics are served: {error}");
    }
}
