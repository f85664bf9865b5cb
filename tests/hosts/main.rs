//! The same layer in every supported host, and Tower's contract for services.

mod support;

mod axum;
mod caller;
#[cfg(feature = "conformance")]
mod conformance;
mod console;
mod endpoints;
mod examples;
#[cfg(feature = "deadline")]
mod hostile;
mod hyper;
mod lambda;
mod oneshot;
mod tonic;
mod tower_contract;
