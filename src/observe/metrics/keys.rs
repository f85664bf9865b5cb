use metrics::{Label, Unit, with_recorder};

use super::{METADATA, key};
use crate::token::KeyRing;

const KEYS: &str = "tower_verify.keys";
const KEY_AGE: &str = "tower_verify.key.age";

/// Records with the crate [`metrics`](https://docs.rs/metrics) how many keys `ring` has, and for how long this process
/// has signed with the one that signs. Call it each time before the metrics are read, or from time to time.
///
/// `name` is the ring's in the metrics.
///
/// ```
/// use tower_verify::{observe::record_keys, token::KeyRing};
///
/// record_keys("tokens", &KeyRing::generate()?);
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
pub fn record_keys(name: &'static str, ring: &KeyRing) {
    let key = |metric| key(metric, vec![Label::from_static_parts("ring", name)]);
    with_recorder(|recorder| {
        recorder.describe_gauge(KEYS.into(), Some(Unit::Count), "Keys in a ring.".into());
        let description = "Time since this process began to sign with the key that signs.";
        recorder.describe_gauge(KEY_AGE.into(), Some(Unit::Seconds), description.into());
        recorder.register_gauge(&key(KEYS), &METADATA).set(ring.key_count() as f64);
        recorder.register_gauge(&key(KEY_AGE), &METADATA).set(ring.signing_since().elapsed().as_secs_f64());
    });
}
