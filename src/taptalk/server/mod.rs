//! The endpoints of a ticket server of your own, and the office that is their verifier.

pub(in crate::taptalk) mod access_token;
pub(in crate::taptalk) mod auth_ticket;
pub(in crate::taptalk) mod connect;
#[cfg(feature = "token")]
pub(in crate::taptalk) mod office;
pub(in crate::taptalk) mod refresh;
