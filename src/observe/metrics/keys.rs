use std::time::Duration;

use metrics::{Label, Unit, with_recorder};

use super::{METADATA, key};
use crate::token::KeyRing;

const KEYS: &str = "tower_verify.keys";
const KEY_AGE: &str = "tower_verify.key.age";

/// Records the number and the ages of the keys of `ring` with the crate [`metrics`](https://docs.rs/metrics).
///
/// The ages are those of the key that signs and of the oldest other key. An age starts when this process gets the key.
/// Call this function before each time that the metrics are read, or at intervals.
///
/// `name` is the ring's name in the metrics.
///
/// ```
/// use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
/// use tower_verify::{BoxError, observe::record_keys, token::KeyRing};
///
/// /// The response to `GET /metrics`.
/// fn metrics(prometheus: &PrometheusHandle, ring: &KeyRing) -> String {
///     record_keys("tokens", ring);
///     prometheus.render()
/// }
///
/// let prometheus = PrometheusBuilder::new().install_recorder()?;
/// assert!(metrics(&prometheus, &KeyRing::generate()?).contains(r#"tower_verify_keys{ring="tokens"} 1"#));
/// # Ok::<(), BoxError>(())
/// ```
pub fn record_keys(name: &'static str, ring: &KeyRing) {
    let ages = ring.ages();
    let oldest = |ages: &[Duration]| ages.iter().max().copied().unwrap_or_default().as_secs_f64();
    let (signing, verifying) = ages.split_at(1);
    let ring = Label::from_static_parts("ring", name);
    with_recorder(|recorder| {
        recorder.describe_gauge(KEYS.into(), Some(Unit::Count), "Keys in a ring.".into());
        let description = "Time since this process has the key that signs, and the oldest one that verifies only.";
        recorder.describe_gauge(KEY_AGE.into(), Some(Unit::Seconds), description.into());
        recorder.register_gauge(&key(KEYS, vec![ring.clone()]), &METADATA).set(ages.len() as f64);
        for (used, ages) in [("sign", signing), ("verify", verifying)] {
            let labels = vec![ring.clone(), Label::from_static_parts("use", used)];
            recorder.register_gauge(&key(KEY_AGE, labels), &METADATA).set(oldest(ages));
        }
    });
}
