//! Strict readers of requests and builders of responses, for the [`Contract`](crate::Contract)s of platforms.
//!
//! | item | what it reads or makes |
//! |---|---|
//! | [`text`] | a body as text |
//! | [`json`] | members of a JSON object by name, or a type of yours |
//! | [`query`] | the query, which is removed from the URI; the parameters of a query or a form |
//! | [`path`] | a name in the path |
//! | [`bearer`], [`basic`] | the credentials in `Authorization`, which is removed from the headers |
//! | [`authorization`] | the same for a scheme of your own |
//! | [`cookie`] | one cookie, which is removed from the headers |
//! | [`header`] | a header that is given once |
//! | [`response`] | responses in JSON and text, errors of OAuth 2.0, `Retry-After` |
//! | [`percent`] | text for a URI or a form |
//!
//! The built-in platforms use only these. A rejection names a field and never repeats a value. Text without escapes is
//! borrowed, so that [`Secret::slice_of`](crate::Secret::slice_of) makes a secret of a long one without a copy.

pub mod authorization;
pub mod basic;
pub mod bearer;
pub mod cookie;
pub mod header;
pub mod json;
mod names;
pub mod path;
pub mod percent;
pub mod query;
pub mod response;
mod scan;

use bytes::Bytes;
use bytestring::ByteString;

use crate::Rejection;

/// The body as text, without a copy.
///
/// ```
/// use bytes::Bytes;
/// use tower_verify::{RejectionKind, wire};
///
/// assert_eq!(wire::text(Bytes::from("605b32dd"))?, "605b32dd");
/// assert_eq!(wire::text(Bytes::from_static(b"605b\xff")).unwrap_err().kind(), RejectionKind::Malformed);
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// If it is not UTF-8.
pub fn text(body: Bytes) -> Result<ByteString, Rejection> {
    ByteString::try_from(body).map_err(|_| Rejection::malformed("the body is not UTF-8"))
}
