//! Strict readers of requests and builders of responses, for the [`Contract`](crate::Contract)s of platforms.
//!
//! | module | what it has |
//! |---|---|
//! | [`json`] | members of a JSON object, by name |
//! | [`query`] | parameters of a query, taken out of the URI |
//! | [`response`] | responses in JSON, errors of OAuth 2.0, `Retry-After` |
//!
//! The built-in platforms read and respond with these and nothing else. Every rejection names a field and never repeats
//! a value.

pub mod json;
pub mod query;
pub mod response;
