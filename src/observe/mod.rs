//! Logs, metrics and audits of calls: an [`Observer`] sees each call of an endpoint or a guard as an [`Event`].
//!
//! An endpoint tells its platform as little as the contract allows. Some platforms read only the body and get the
//! status 200 in every case, so an access log does not show an outage. An observer does:
//!
//! ```
//! use http::Request;
//! use tower_verify::{
//!     BoxError, ConfigError, Endpoints, VerifyLayer,
//!     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
//!     observe::{Event, EventOutcome},
//!     verifier_fn,
//! };
//!
//! async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!     let known = request.body().dlg_token == "2121sa"; // ask your database
//!     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
//! }
//!
//! let endpoints = Endpoints::observed_by(|event: &Event<'_>| {
//!     if let EventOutcome::Failed(failure) = event.outcome {
//!         eprintln!("{}: {failure}: {:?}", event.endpoint, std::error::Error::source(failure));
//!     }
//! })
//! .with(VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)))?;
//! # Ok::<(), ConfigError>(())
//! ```
//!
//! | observer | feature | what it does |
//! |---|---|---|
//! | `TracingObserver` | `tracing` | logs each call, and runs the verifier inside a span |
//! | `MetricsObserver` | `metrics` | counts and times the calls |
//! | `AuditLog` | `token` | writes a line of JSON for each call: who was admitted, who was not |
//!
//! A pair of observers is an observer. If the app is inside tower-http's `TraceLayer`, give it `request_span`: the
//! default span writes the query to the log, and credentials with it.
//!
//! # What is emitted
//!
//! Names follow OpenTelemetry's conventions for HTTP and for `error.type`, where there is one.
//!
//! ## Log events
//!
//! Each event has the target `tower_verify` and is inside the span `verify`, which has the field
//! `tower_verify.endpoint`. Fields without a value are left out. Times are in seconds.
//!
//! | field | |
//! |---|---|
//! | `tower_verify.endpoint` | [`Event::endpoint`] |
//! | `tower_verify.outcome` | [`EventOutcome::as_str`] |
//! | `tower_verify.verdict` | the name of a negative verdict |
//! | `tower_verify.detail` | what was wrong with a rejected request |
//! | `tower_verify.retry_after` | how long a throttled caller has to wait, if that is known |
//! | `tower_verify.reading` | [`Event::reading`] |
//! | `tower_verify.verifying` | [`Event::verifying`] |
//! | `tower_verify.duration` | [`Event::total`] |
//! | `tower_verify.principal` | [`Event::principal`] |
//! | `error.type` | the kind of a failure |
//! | `error` | the verifier's error, with its causes |
//! | `http.request.body.size` | [`Event::body_bytes`] |
//! | `http.response.status_code` | [`Event::status`] |
//! | `client.address` | [`Event::client`] |
//!
//! ## Metrics
//!
//! `MetricsObserver` records the metrics of calls. The rows of the others name their source. Prometheus shows the names
//! with `_` for `.`, and its exporter can add the unit and `_total`.
//!
//! | metric | kind, unit | labels | |
//! |---|---|---|---|
//! | `tower_verify.requests` | counter | `endpoint`, `outcome`, `error.type`, `verdict` | calls that have ended |
//! | `tower_verify.request.duration` | histogram, s | `endpoint`, `outcome`, `error.type` | from a request's arrival to its response |
//! | `tower_verify.verification.duration` | histogram, s | `endpoint` | time that the verifier took |
//! | `tower_verify.request.body.size` | histogram, bytes | `endpoint` | size of the bodies that were read |
//! | `tower_verify.active_requests` | gauge | `endpoint` | calls under way |
//! | `tower_verify.cache.lookups` | counter | `cache`, `result` | look-ups of a cache, by `count_lookups` |
//! | `tower_verify.store.operation.duration` | histogram, s | `store`, `operation`, `error.type` | operations of a `MeteredStore` |
//! | `tower_verify.keys` | gauge | `ring` | keys in a ring, by `record_keys` |
//! | `tower_verify.key.age` | gauge, s | `ring`, `use` | time since this process got the key that signs, or the oldest key that only verifies; 0 if there is none |
//!
//! ## Labels
//!
//! | label | values |
//! |---|---|
//! | `endpoint` | [`Event::endpoint`] |
//! | `outcome` | [`EventOutcome::as_str`]: `admitted`, `denied`, `malformed`, `too_large`, `no_credential`, `unknown_caller`, `error`, `panicked`, `deadline_exceeded`, `throttled`, `overloaded`, `disabled`, `cancelled` |
//! | `verdict` | the name of a negative verdict, on `denied` calls |
//! | `error.type` | the kind of a failure, on failed calls; `full` or `unavailable`, on operations of a store that failed |
//! | `cache` | the name that the app gave a cache |
//! | `store` | the name that the app gave a store |
//! | `ring` | the name that the app gave a key ring |
//! | `use` | `sign`, `verify` |
//! | `result` | `hit`, `miss`, `shared` |
//! | `operation` | `get`, `put`, `claim`, `take`, `replace` |

#[cfg(feature = "token")]
mod audit;
mod event;
#[cfg(feature = "metrics")]
mod metrics;
mod observer;
mod principal;
#[cfg(feature = "tracing")]
mod span;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(all(feature = "metrics", feature = "store"))]
pub use self::metrics::MeteredStore;
#[cfg(feature = "metrics")]
pub use self::metrics::MetricsObserver;
#[cfg(all(feature = "metrics", feature = "policy"))]
pub use self::metrics::count_lookups;
#[cfg(all(feature = "metrics", feature = "token"))]
pub use self::metrics::record_keys;
pub(crate) use self::observer::isolate;
#[cfg(feature = "token")]
pub use self::{audit::AuditLog, principal::Pseudonyms};
pub use self::{
    event::{Event, EventOutcome},
    observer::Observer,
    principal::Pseudonym,
};
#[cfg(feature = "tracing")]
pub use self::{span::request_span, tracing::TracingObserver};
