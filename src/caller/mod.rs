//! Checks of the caller, apart from the credential that it submits: a [`CallerSecret`] in a header, a [`CallerCheck`] over
//! the whole request, and the [`ClientAddr`] behind proxies.

mod check;
mod client_addr;
mod secret;

pub(crate) use self::check::SharedCallerCheck;
pub use self::{
    check::CallerCheck,
    client_addr::{ClientAddr, PeerAddr},
    secret::CallerSecret,
};
