//! Parsing that the schemes of `Authorization` share.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use crate::Rejection;

/// Removes the header `Authorization` and returns its one value.
pub(super) fn take(headers: &mut HeaderMap) -> Result<HeaderValue, Rejection> {
    // `len` counts all values: it is larger only if some header is given more than once.
    let twice = headers.len() > headers.keys_len() && headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    match headers.remove(AUTHORIZATION) {
        Some(_) if twice => Err(Rejection::malformed("`Authorization` is given more than once")),
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(Rejection::no_credential("`Authorization` is missing")),
    }
}

/// The credentials in `value`, if its scheme is `scheme`, in any case (RFC 9110, section 11.4).
pub(crate) fn credentials<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (given, credentials) = value.split_at_checked(scheme.len())?;
    // Nearly all clients write the scheme as it is registered.
    let is_scheme = (given == scheme || given.eq_ignore_ascii_case(scheme)) && credentials.starts_with(' ');
    is_scheme.then(|| credentials.trim_start_matches(' '))
}
