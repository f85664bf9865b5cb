//! For a backend whose ticket server is TapTalk's: the client, and the endpoint that uses it.

pub(in crate::taptalk) mod app_device;
pub(in crate::taptalk) mod app_ticket;
pub(in crate::taptalk) mod app_ticket_issuer;
pub(in crate::taptalk) mod error;
pub(in crate::taptalk) mod http;
#[cfg(feature = "https-client")]
pub(in crate::taptalk) mod https;
