//! Checks of the caller itself, apart from the credential that it submits.
//!
//! [`CallerSecret`] checks a secret in a header, [`CallerCheck`] checks the whole request, and [`ClientAddr`] finds the
//! client's address behind proxies.

mod check;
mod client_addr;
mod secret;

pub(crate) use self::check::SharedCallerCheck;
pub use self::{
    check::CallerCheck,
    client_addr::{ClientAddr, PeerAddr},
    secret::CallerSecret,
};
