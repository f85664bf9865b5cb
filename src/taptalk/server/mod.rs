//! The endpoints of a ticket server, and the ready-made verifier for them.

pub(in crate::taptalk) mod access_token;
pub(in crate::taptalk) mod auth_ticket;
pub(in crate::taptalk) mod connect;
pub(in crate::taptalk) mod logout;
#[cfg(feature = "token")]
pub(in crate::taptalk) mod office;
pub(in crate::taptalk) mod project_configs;
pub(in crate::taptalk) mod refresh;
pub(in crate::taptalk) mod socket;
pub(in crate::taptalk) mod user_update;
