use metrics::{Label, Unit, with_recorder};

use super::{METADATA, key};
use crate::policy::CacheLookup;

const LOOKUPS: &str = "tower_verify.cache.lookups";

/// Counts the look-ups of a cache with the crate [`metrics`](https://docs.rs/metrics).
///
/// Pass the result to [`Cached::on_lookup`](crate::policy::Cached::on_lookup). `cache` is the cache's name in the
/// metrics.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, ConfigError,
///     diyalog::{CustomerToken, CustomerVerdict},
///     observe::count_lookups,
///     policy::{CacheKey, Cached},
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// fn key(request: &Request<CustomerToken>, key: &mut CacheKey) {
///     let token = request.body();
///     key.principal(token.customer_no.expose_secret());
///     key.part(token.device_id.expose_secret()).part(token.dlg_token.expose_secret());
/// }
///
/// let verifier = Cached::new(verifier_fn(verify), key)?.on_lookup(count_lookups("customers"));
/// # Ok::<(), ConfigError>(())
/// ```
pub fn count_lookups(cache: &'static str) -> impl Fn(CacheLookup) + Send + Sync + 'static {
    let counters = with_recorder(|recorder| {
        recorder.describe_counter(LOOKUPS.into(), Some(Unit::Count), "Look-ups of a cache of verdicts.".into());
        [CacheLookup::Hit, CacheLookup::Miss, CacheLookup::Shared].map(|lookup| {
            let labels =
                vec![Label::from_static_parts("cache", cache), Label::from_static_parts("result", lookup.as_str())];
            (lookup, recorder.register_counter(&key(LOOKUPS, labels), &METADATA))
        })
    });
    move |lookup| {
        let counter = counters.iter().find(|(known, _)| *known == lookup);
        counter.expect("each is registered").1.increment(1);
    }
}
