//! User names and passwords in `Authorization` (RFC 7617).

use base64::{Engine, prelude::BASE64_STANDARD};
use bytestring::ByteString;
use http::HeaderMap;

use super::authorization;
use crate::{Rejection, Secret};

/// Takes the user name and the password out of `Authorization`.
///
/// The first colon separates them; either may be empty. The header is removed, whatever the result.
///
/// ```
/// use http::{HeaderMap, header::AUTHORIZATION};
/// use tower_verify::wire::basic;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(AUTHORIZATION, "Basic am9objo2MDViMzJkZA==".parse()?);
/// let (user, password) = basic::take(&mut headers)?;
/// assert_eq!((user.expose_secret(), password.expose_secret()), ("john", "605b32dd"));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// [`NoCredential`](crate::RejectionKind::NoCredential) if the header is missing or empty, and
/// [`Malformed`](crate::RejectionKind::Malformed) if it is there twice or is not `Basic` and the base64 of a user name in
/// UTF-8, a colon and a password.
pub fn take(headers: &mut HeaderMap) -> Result<(Secret, Secret), Rejection> {
    let value = authorization::take(headers)?;
    let encoded = value.to_str().ok().and_then(|value| authorization::credentials(value, "Basic"));
    let decoded = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
    let source = decoded.and_then(|decoded| ByteString::try_from(decoded).ok());
    let pair = source.as_ref().and_then(|source| Some((source, source.split_once(':')?)));
    match pair {
        Some((source, (user, password))) => {
            Ok((Secret::slice_of(source, user.into()), Secret::slice_of(source, password.into())))
        }
        None => Err(Rejection::malformed(
            "`Authorization` must be `Basic` and the base64 of a user name, a colon and a password",
        )),
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::RejectionKind;

    fn taken(values: &[&str]) -> Result<(String, String), RejectionKind> {
        let mut headers: HeaderMap = values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
        let pair = take(&mut headers);
        assert!(headers.is_empty(), "the header must not reach the verifier");
        let text = |secret: Secret| secret.expose_secret().to_owned();
        pair.map(|(user, password)| (text(user), text(password))).map_err(|rejection| rejection.kind())
    }

    fn basic(pair: impl AsRef<[u8]>) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn the_first_colon_separates() {
        for (pair, user, password) in
            [("a:b", "a", "b"), ("a:b:c", "a", "b:c"), (":", "", ""), ("\u{e9}:b", "\u{e9}", "b")]
        {
            assert_eq!(taken(&[&basic(pair)]), Ok((user.to_owned(), password.to_owned())));
        }
        assert!(taken(&[&basic("a:b").replace("Basic", "BASIC ")]).is_ok());
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(taken(&[]), Err(RejectionKind::NoCredential));
        assert_eq!(taken(&[""]), Err(RejectionKind::NoCredential));
        let good = basic("a:b");
        for value in [
            "Basic",
            "Basic ",
            "Basic a:b",
            "Bearer YTpi",
            &good.replace("Basic", "Token"),
            &basic("ab"),
            &basic(b"a\xff:b"),
            &format!("{good}="),
        ] {
            assert_eq!(taken(&[value]), Err(RejectionKind::Malformed), "{value}");
        }
        assert_eq!(taken(&[&good, &good]), Err(RejectionKind::Malformed));
    }
}
