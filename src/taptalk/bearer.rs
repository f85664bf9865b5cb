use bytestring::ByteString;
use http::{HeaderMap, header::AUTHORIZATION};

use super::code::Code;
use crate::{Rejection, Secret};

/// Takes the bearer token out of `Authorization` (RFC 6750 section 2.1, RFC 7235 section 2.1).
pub(super) fn take(headers: &mut HeaderMap) -> Result<Secret, Rejection> {
    let twice = headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    let value = match headers.remove(AUTHORIZATION) {
        Some(value) if !value.is_empty() => value,
        _ => return Err(Code::AUTHORIZATION_MISSING.reject("Request headers are required (Authorization)")),
    };
    match value.to_str().ok().and_then(token) {
        Some(token) if !twice => {
            let source = ByteString::from(token);
            Ok(Secret::slice_of(&source, (&*source).into()))
        }
        _ => Err(Code::AUTHORIZATION_MALFORMED.reject("Authorization must be 'Bearer', a space and a token")),
    }
}

fn token(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let unpadded = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let valid = scheme.eq_ignore_ascii_case("bearer") && !unpadded.is_empty() && unpadded.bytes().all(allowed);
    valid.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(values: &[&str]) -> Result<String, &'static str> {
        let mut headers: HeaderMap = values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
        let token = take(&mut headers);
        assert!(headers.is_empty(), "the header must not reach the verifier");
        token.map(|token| token.expose_secret().to_owned()).map_err(|rejection| rejection.code().unwrap_or_default())
    }

    #[test]
    fn the_scheme_is_in_any_case_and_the_token_is_as_it_is() {
        for value in ["Bearer aZ0-._~+/==", "bearer aZ0-._~+/==", "BEARER   aZ0-._~+/=="] {
            assert_eq!(taken(&[value]).unwrap(), "aZ0-._~+/==");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(taken(&[]), Err("40101"));
        assert_eq!(taken(&[""]), Err("40101"));
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a b",
            "Bearer a=b",
            "Bearer \u{e9}",
            "Bearera",
            "Basic a",
            "a",
            " Bearer a",
            "Bearer\ta",
            "Bearer a ",
        ] {
            assert_eq!(taken(&[value]), Err("40102"), "{value:?}");
        }
        assert_eq!(taken(&["Bearer a", "Bearer a"]), Err("40102"));
    }
}
