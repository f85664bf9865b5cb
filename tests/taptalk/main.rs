//! TapTalk's client and the app's own endpoint, against a faulty TapTalk on loopback and against this crate's ticket
//! office.

mod app_ticket;
mod client;
#[cfg(feature = "token")]
mod round_trip;
mod support;
