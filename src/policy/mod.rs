//! Verifiers that wrap something else: they know no platform.

mod service;

pub use self::service::ServiceVerifier;
