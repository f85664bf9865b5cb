//! TapTalk's client and the app's own endpoint: against a TapTalk on loopback that behaves as badly as it can, and against
//! this crate's own ticket server.

mod app_ticket;
mod client;
#[cfg(feature = "token")]
mod round_trip;
mod support;
