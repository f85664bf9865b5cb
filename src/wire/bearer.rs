//! Bearer tokens in `Authorization` (RFC 6750, section 2.1).

use http::HeaderMap;

use super::authorization;
use crate::{Rejection, Secret};

/// Takes the bearer token out of `Authorization`.
///
/// The scheme can be in any case (RFC 9110, section 11.1). The header is removed, whatever the result.
///
/// ```
/// use http::{HeaderMap, header::AUTHORIZATION};
/// use tower_verify::{RejectionKind, wire::bearer};
///
/// let mut headers = HeaderMap::new();
/// headers.insert(AUTHORIZATION, "Bearer 605b32dd".parse()?);
/// assert_eq!(bearer::take(&mut headers)?, "605b32dd");
/// assert_eq!(bearer::take(&mut headers).unwrap_err().kind(), RejectionKind::NoCredential);
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// [`NoCredential`](crate::RejectionKind::NoCredential) if the header is missing or empty, and
/// [`Malformed`](crate::RejectionKind::Malformed) if it is there twice or is not `Bearer` and a token.
pub fn take(headers: &mut HeaderMap) -> Result<Secret, Rejection> {
    let value = authorization::take(headers)?;
    let token = value.to_str().ok().and_then(|value| authorization::credentials(value, "Bearer"));
    let unpadded = token.map(|token| token.trim_end_matches('=')).unwrap_or_default();
    match token {
        Some(token) if !unpadded.is_empty() && unpadded.bytes().all(|byte| ALLOWED[usize::from(byte)]) => {
            Ok(token.into())
        }
        _ => Err(Rejection::malformed("`Authorization` must be `Bearer`, a space and a token")),
    }
}

/// The bytes of a token, without its padding.
const ALLOWED: [bool; 256] = {
    let (mut allowed, mut byte) = ([false; 256], 0);
    while byte < allowed.len() {
        allowed[byte] =
            matches!(byte as u8, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        byte += 1;
    }
    allowed
};

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::RejectionKind;

    fn taken(values: &[&str]) -> Result<String, RejectionKind> {
        let mut headers: HeaderMap = values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
        let token = take(&mut headers);
        assert!(headers.is_empty(), "the header must not reach the verifier");
        token.map(|token| token.expose_secret().to_owned()).map_err(|rejection| rejection.kind())
    }

    #[test]
    fn the_scheme_can_be_in_any_case() {
        for value in ["Bearer aZ0-._~+/==", "bearer aZ0-._~+/==", "BEARER   aZ0-._~+/=="] {
            assert_eq!(taken(&[value]).unwrap(), "aZ0-._~+/==");
        }
    }

    #[test]
    fn a_missing_or_empty_header_is_no_credential() {
        assert_eq!(taken(&[]), Err(RejectionKind::NoCredential));
        assert_eq!(taken(&[""]), Err(RejectionKind::NoCredential));
    }

    #[test]
    fn anything_else_is_malformed() {
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a b",
            "Bearer a=b",
            "Bearer \u{e9}",
            "Bearera",
            "Basic a",
            "Digest a",
            "a",
            " Bearer a",
            "Bearer\ta",
            "Bearer a ",
        ] {
            assert_eq!(taken(&[value]), Err(RejectionKind::Malformed), "{value:?}");
        }
        assert_eq!(taken(&["Bearer a", "Bearer a"]), Err(RejectionKind::Malformed));
        assert_eq!(taken(&["", "Bearer a"]), Err(RejectionKind::Malformed));
    }
}
