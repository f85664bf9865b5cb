use std::{fmt, sync::Arc};

use metrics::{Counter, Gauge, Histogram, Label, Unit, with_recorder};

use super::{METADATA, Registered, key};
use crate::observe::{Event, EventOutcome, Observer};

const REQUESTS: &str = "tower_verify.requests";
const REQUEST_DURATION: &str = "tower_verify.request.duration";
const VERIFICATION_DURATION: &str = "tower_verify.verification.duration";
const BODY_SIZE: &str = "tower_verify.request.body.size";
const ACTIVE_REQUESTS: &str = "tower_verify.active_requests";

/// Counts and times each call with the crate [`metrics`](https://docs.rs/metrics).
///
/// [This table](crate::observe#what-is-emitted) lists the metrics. They go to the global recorder. Install it
/// **before** the first call: metrics that are registered without a recorder stay lost.
///
/// Clones share the registered metrics.
///
/// ```
/// use http::Request;
/// use metrics_exporter_prometheus::PrometheusBuilder;
/// use tower::{ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     observe::MetricsObserver,
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let prometheus = PrometheusBuilder::new().install_recorder()?; // before the first call
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)).observer(MetricsObserver::new());
///
/// let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
/// layer.into_service().oneshot(Request::post("/checkauthtoken").body(call.to_owned())?).await?;
/// assert!(prometheus.render().contains(
///     r#"tower_verify_requests{endpoint="diyalog.customer",outcome="admitted"} 1"#
/// ));
/// # Ok::<(), BoxError>(()) })?;
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone)]
pub struct MetricsObserver {
    endpoints: Arc<Registered<&'static str, Arc<Endpoint>>>,
}

/// The metrics of one endpoint.
struct Endpoint {
    active: Gauge,
    verification: Histogram,
    body: Histogram,
    /// By outcome and verdict.
    ended: Registered<(&'static str, Option<&'static str>), (Counter, Histogram)>,
}

impl MetricsObserver {
    /// Creates the observer, and describes its metrics to the recorder.
    pub fn new() -> Self {
        with_recorder(|recorder| {
            recorder.describe_counter(REQUESTS.into(), Some(Unit::Count), "Calls that have ended, by outcome.".into());
            recorder.describe_histogram(
                REQUEST_DURATION.into(),
                Some(Unit::Seconds),
                "Time from a request's arrival to its response.".into(),
            );
            recorder.describe_histogram(
                VERIFICATION_DURATION.into(),
                Some(Unit::Seconds),
                "Time that the verifier took.".into(),
            );
            recorder.describe_histogram(BODY_SIZE.into(), Some(Unit::Bytes), "Size of the requests' bodies.".into());
            recorder.describe_gauge(ACTIVE_REQUESTS.into(), Some(Unit::Count), "Calls under way.".into());
        });
        Self { endpoints: Arc::new(Registered::new()) }
    }

    fn endpoint(&self, endpoint: &'static str) -> Arc<Endpoint> {
        self.endpoints.get_or_register(endpoint, |endpoint| {
            let key = |name| key(name, vec![Label::from_static_parts("endpoint", endpoint)]);
            with_recorder(|recorder| {
                Arc::new(Endpoint {
                    active: recorder.register_gauge(&key(ACTIVE_REQUESTS), &METADATA),
                    verification: recorder.register_histogram(&key(VERIFICATION_DURATION), &METADATA),
                    body: recorder.register_histogram(&key(BODY_SIZE), &METADATA),
                    ended: Registered::new(),
                })
            })
        })
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, event: &Event<'_>) {
        let endpoint = self.endpoint(event.endpoint);
        endpoint.active.decrement(1.0);
        endpoint.verification_of(event);
        let (requests, duration) = endpoint.ended(event.endpoint, &event.outcome);
        requests.increment(1);
        duration.record(event.total.as_secs_f64());
    }

    fn started(&self, endpoint: &'static str) {
        self.endpoint(endpoint).active.increment(1.0);
    }
}

impl Endpoint {
    fn verification_of(&self, event: &Event<'_>) {
        if let Some(time) = event.verifying {
            self.verification.record(time.as_secs_f64());
        }
        if let Some(bytes) = event.body_bytes {
            self.body.record(bytes as f64);
        }
    }

    fn ended(&self, endpoint: &'static str, outcome: &EventOutcome<'_>) -> (Counter, Histogram) {
        let verdict = match outcome {
            EventOutcome::Denied(verdict) => Some(*verdict),
            _ => None,
        };
        self.ended.get_or_register((outcome.as_str(), verdict), |(name, verdict)| {
            let mut labels =
                vec![Label::from_static_parts("endpoint", endpoint), Label::from_static_parts("outcome", name)];
            if let EventOutcome::Failed(_) = outcome {
                labels.push(Label::from_static_parts("error.type", name));
            }
            let duration = key(REQUEST_DURATION, labels.clone());
            labels.extend(verdict.map(|verdict| Label::from_static_parts("verdict", verdict)));
            with_recorder(|recorder| {
                let requests = recorder.register_counter(&key(REQUESTS, labels), &METADATA);
                (requests, recorder.register_histogram(&duration, &METADATA))
            })
        })
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsObserver").finish_non_exhaustive()
    }
}
