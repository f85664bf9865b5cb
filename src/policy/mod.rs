//! Verifiers that wrap another verifier or a service, for every platform.
//!
//! [`Throttle`] counts the failed attempts at an account, [`Cached`] caches verdicts, and [`ServiceVerifier`] calls a
//! Tower service. They can wrap each other. Put a cache inside the throttle: outside, it would answer a second guess of
//! the same password, and that guess would not be counted.
//!
//! ```
//! use http::Request;
//! use tower_verify::{
//!     BoxError, Verifier,
//!     diyalog::{CustomerToken, CustomerVerdict},
//!     policy::{CacheKey, Cached, Throttle},
//!     store::MemoryStore,
//!     verifier_fn,
//! };
//!
//! async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!     let known = request.body().dlg_token == "2121sa"; // ask your database
//!     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
//! }
//!
//! fn cache_key(request: &Request<CustomerToken>, key: &mut CacheKey) {
//!     let token = request.body();
//!     key.principal(token.customer_no.expose_secret());
//!     key.part(token.device_id.expose_secret()).part(token.dlg_token.expose_secret());
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let key = [7; 32]; // 32 random bytes, kept with your other secrets
//! let verifier = Cached::new(verifier_fn(verify), cache_key)?;
//! let verifier = Throttle::new(verifier, MemoryStore::new(), key, |request: &Request<CustomerToken>| {
//!     Some(request.body().customer_no.expose_secret().to_owned())
//! });
//!
//! let token = CustomerToken::new("1234", "2121sa", "1234567");
//! assert_eq!(verifier.verify(Request::new(token)).await?, CustomerVerdict::Validated);
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
