//! Checks of the caller itself, apart from the credential that it submits.
//!
//! [`CallerSecret`] checks a secret in a header, [`CallerSignature`] a signature over the body, and your own
//! [`CallerCheck`] the whole request. [`ClientAddr`] finds the client's address behind proxies.

mod check;
mod client_addr;
mod secret;
#[cfg(feature = "signature")]
mod signature;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) use self::check::SharedCallerCheck;
#[cfg(feature = "signature")]
pub use self::signature::{CallerSignature, SigningKey, SigningKeys};
pub use self::{
    check::CallerCheck,
    client_addr::{ClientAddr, PeerAddr},
    secret::CallerSecret,
};

/// The value of a header that is given once.
fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => value,
        _ => None,
    }
}
