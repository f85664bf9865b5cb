//! The parts that the schemes of `Authorization` share (RFC 9110, section 11.6.2), for a scheme of your own.
//!
//! [`bearer`](super::bearer) and [`basic`](super::basic) read the common ones.
//!
//! ```
//! use http::{HeaderMap, header::AUTHORIZATION};
//! use tower_verify::{Rejection, Secret, wire::{authorization, header}};
//!
//! /// The token in `Authorization: Token 605b32dd`.
//! fn token(headers: &mut HeaderMap) -> Result<Secret, Rejection> {
//!     let token = authorization::credentials(header::text(headers, "authorization")?, "Token").map(Secret::from);
//!     headers.remove(AUTHORIZATION);
//!     token.ok_or_else(|| Rejection::malformed("`Authorization` must be `Token` and a token"))
//! }
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(AUTHORIZATION, "token 605b32dd".parse()?);
//! assert_eq!(token(&mut headers)?, "605b32dd");
//! assert!(headers.is_empty());
//! # Ok::<(), tower_verify::BoxError>(())
//! ```

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
///
/// They may be empty, and may have any characters. The spaces between the scheme and the credentials are left out.
///
/// ```
/// use tower_verify::wire::authorization::credentials;
///
/// assert_eq!(credentials("ApiKey 605b32dd", "apikey"), Some("605b32dd"));
/// assert_eq!(credentials("Bearer 605b32dd", "ApiKey"), None);
/// ```
pub fn credentials<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (given, credentials) = value.split_at_checked(scheme.len())?;
    // Nearly all clients write the scheme as it is registered.
    let is_scheme = (given == scheme || given.eq_ignore_ascii_case(scheme)) && credentials.starts_with(' ');
    is_scheme.then(|| credentials.trim_start_matches(' '))
}
