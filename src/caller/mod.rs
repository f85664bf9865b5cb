//! Checks of the caller, apart from the credential that it submits: a [`CallerSecret`] in a header, and the
//! [`ClientAddr`] behind proxies.

mod client_addr;
mod secret;

pub use self::{
    client_addr::{ClientAddr, PeerAddr},
    secret::CallerSecret,
};
