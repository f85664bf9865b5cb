//! Verifiers that wrap something else: they know no platform.
//!
//! [`Throttle`] counts the failed attempts at an account, [`Cached`] remembers verdicts, and [`ServiceVerifier`] asks a
//! Tower service. They wrap each other too. A cache belongs inside of a throttle: outside of it, it would answer a
//! second guess of the same password without counting it.
//!
//! ```
//! use std::time::Duration;
//! use http::Request;
//! use tower_verify::{BoxError, Verifier, diyalog, policy::Throttle, store::MemoryStore, verifier_fn};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let verifier = verifier_fn(|request: Request<diyalog::CustomerToken>| async move {
//!     let known = request.body().dlg_token == "2121sa";
//!     Ok::<_, BoxError>(match known {
//!         true => diyalog::CustomerVerdict::Validated,
//!         false => diyalog::CustomerVerdict::InvalidToken,
//!     })
//! });
//! let key = [7; 32]; // from where your secrets are
//! let verifier = Throttle::new(verifier, MemoryStore::new(), key, |request: &Request<diyalog::CustomerToken>| {
//!     Some(request.body().customer_no.expose_secret().to_owned())
//! });
//! let token = diyalog::CustomerToken::new("1234", "2121sa", "1234567");
//! assert_eq!(verifier.verify(Request::new(token)).await?, diyalog::CustomerVerdict::Validated);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```

#[cfg(feature = "policy")]
mod cached;
mod service;
#[cfg(feature = "policy")]
mod throttle;

pub use self::service::ServiceVerifier;
#[cfg(feature = "policy")]
pub use self::{
    cached::{CacheKey, CacheLookup, Cached},
    throttle::Throttle,
};
