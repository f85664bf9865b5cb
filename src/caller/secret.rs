use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use super::once;
use crate::{ConfigError, Rejection, Secret};

/// A secret that callers must present in a header.
///
/// It is checked before the body is read. Each live value is compared in constant time. A request that has the header
/// twice is refused. The verifier does not see the header.
///
/// Several values can be live at once, so that you can rotate a secret without an outage: add the new value, wait until
/// the platform uses it, then remove the old one.
///
/// ```
/// use http::{HeaderMap, HeaderName, Request};
/// use tower_verify::{
///     BoxError, CallerSecret, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// let header = HeaderName::from_static("auth-token");
/// let secret = CallerSecret::new(header, ["next-value", "current-value"])?;
///
/// let mut headers = HeaderMap::new();
/// assert!(secret.check(&mut headers).is_err());
/// headers.insert("auth-token", "current-value".parse()?);
/// assert!(secret.check(&mut headers).is_ok());
///
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)).caller_secret(secret);
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CallerSecret {
    header: HeaderName,
    live: Arc<[Secret]>,
}

impl CallerSecret {
    /// Requires one of the `live` values in `header`.
    ///
    /// # Errors
    /// If there is no live value; if a value is empty, as from an environment variable that is not set; or if a value
    /// cannot be in a header, as one that was read from a file with its final newline.
    pub fn new<I>(header: HeaderName, live: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: Into<Secret>,
    {
        let live: Arc<[Secret]> = live.into_iter().map(Into::into).collect();
        if live.is_empty() {
            return Err(ConfigError::new(format!(
                "the caller's secret in `{header}` has no live value: give at least one"
            )));
        }
        if live.iter().any(Secret::is_empty) {
            return Err(ConfigError::new(format!(
                "a live value of the caller's secret in `{header}` is empty: set it"
            )));
        }
        if !live.iter().all(|live| is_header_value(live.expose_secret().as_bytes())) {
            return Err(ConfigError::new(format!(
                "a live value of the caller's secret in `{header}` cannot be in a header: \
                 remove line breaks, control characters and outer spaces"
            )));
        }
        Ok(Self { header, live })
    }

    /// The header.
    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }

    /// The scheme of `Authorization` that all live values have, if it is one that an OpenAPI document has a name for.
    #[cfg(feature = "openapi")]
    pub(crate) fn http_scheme(&self) -> Option<&'static str> {
        let credentials = crate::wire::authorization::credentials;
        let is_of = |scheme: &&str| self.live.iter().all(|live| credentials(live.expose_secret(), scheme).is_some());
        ["basic", "bearer"].into_iter().filter(|_| self.header == AUTHORIZATION).find(is_of)
    }

    /// Requires one of the `live` pairs of a user name and a password in `Authorization`, by the scheme Basic (RFC 7617).
    ///
    /// ```
    /// use http::{HeaderMap, header::AUTHORIZATION};
    /// use tower_verify::CallerSecret;
    ///
    /// let caller = CallerSecret::basic([("api", "605b32dd")])?;
    /// let mut headers = HeaderMap::new();
    /// headers.insert(AUTHORIZATION, "Basic YXBpOjYwNWIzMmRk".parse()?);
    /// assert!(caller.check(&mut headers).is_ok());
    /// # Ok::<(), tower_verify::BoxError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no live pair, if a user name or a password is empty, or if a user name has a colon, which would separate
    /// it from the password.
    pub fn basic<'a>(live: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ConfigError> {
        let value = |(user, password): (&str, &str)| {
            if user.is_empty() || password.is_empty() || user.contains(':') {
                return Err(ConfigError::new(
                    "a user name of the caller is empty or has a colon, or a password is empty: set both",
                ));
            }
            Ok(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
        };
        Self::new(AUTHORIZATION, live.into_iter().map(value).collect::<Result<Vec<_>, _>>()?)
    }

    /// Checks the header of a request and removes it.
    ///
    /// # Errors
    /// If the header is missing, is given twice, or has no live value.
    pub fn check(&self, headers: &mut HeaderMap) -> Result<(), Rejection> {
        let known = once(headers, &self.header).is_some_and(|value| {
            // `|`, not `||`: the time must not show which value matched.
            self.live.iter().fold(false, |known, live| known | live.is_bytes(value.as_bytes()))
        });
        headers.remove(&self.header);
        if known { Ok(()) } else { Err(Rejection::unknown_caller()) }
    }
}

/// Whether `value` can be in a header. Spaces around it would not be part of it (RFC 9110, section 5.5).
fn is_header_value(value: &[u8]) -> bool {
    HeaderValue::from_bytes(value).is_ok() && value.trim_ascii() == value
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: HeaderName = HeaderName::from_static("auth-token");

    fn check(values: &[&'static str]) -> (bool, HeaderMap) {
        let caller = CallerSecret::new(HEADER, ["next", "current"]).unwrap();
        let mut headers: HeaderMap = values.iter().map(|value| (HEADER, value.parse().unwrap())).collect();
        (caller.check(&mut headers).is_ok(), headers)
    }

    #[test]
    fn any_live_value_is_accepted_if_it_is_given_once() {
        for (values, known) in [
            (&["next"][..], true),
            (&["current"], true),
            (&[], false),
            (&[""], false),
            (&["Current"], false),
            (&["current "], false),
            (&["current", "current"], false),
            (&["current", "wrong"], false),
        ] {
            let (accepted, left) = check(values);
            assert_eq!(accepted, known, "{values:?}");
            assert!(left.is_empty(), "the header must not reach the verifier");
        }
    }

    #[test]
    fn a_value_that_is_listed_twice_is_accepted() {
        let caller = CallerSecret::new(HEADER, ["current", "current"]).unwrap();
        let mut headers: HeaderMap = [(HEADER, "current".parse().unwrap())].into_iter().collect();
        assert!(caller.check(&mut headers).is_ok());
    }

    #[test]
    fn an_empty_secret_is_a_config_error() {
        assert!(CallerSecret::new(HEADER, Vec::<Secret>::new()).is_err());
        let error = CallerSecret::new(HEADER, ["605b32dd", ""]).unwrap_err();
        assert!(!error.to_string().contains("605b32dd"));
    }

    #[test]
    fn a_secret_that_cannot_be_in_a_header_is_a_config_error() {
        for live in ["605b32dd\n", "605b32dd ", "\t605b32dd", "605b\u{0}32dd"] {
            let error = CallerSecret::new(HEADER, ["current", live]).unwrap_err();
            assert!(!error.to_string().contains("605b"), "{error}");
        }
        assert!(CallerSecret::new(HEADER, ["605b 32dd", "\u{e9}"]).is_ok());
    }

    #[test]
    fn basic_credentials_are_one_of_the_live_pairs() {
        let caller = CallerSecret::basic([("api", "next"), ("api", "a:b")]).unwrap();
        for (value, known) in [
            ("Basic YXBpOm5leHQ=", true),
            ("Basic YXBpOmE6Yg==", true),
            ("Basic YXBpOmE=", false),
            ("Bearer YXBpOm5leHQ=", false),
            ("", false),
        ] {
            let mut headers: HeaderMap = [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
            assert_eq!(caller.check(&mut headers).is_ok(), known, "{value}");
            assert!(headers.is_empty());
        }
        assert!(CallerSecret::basic([]).is_err());
        for pair in [("", "605b32dd"), ("api", ""), ("a:b", "605b32dd")] {
            assert!(!CallerSecret::basic([pair]).unwrap_err().to_string().contains("605b"));
        }
    }

    #[cfg(feature = "openapi")]
    #[test]
    fn a_scheme_of_http_stands_in_authorization_and_before_every_value() {
        let scheme = |header, live: &[&str]| CallerSecret::new(header, live.iter().copied()).unwrap().http_scheme();
        assert_eq!(scheme(AUTHORIZATION, &["Bearer a", "bearer b"]), Some("bearer"));
        assert_eq!(scheme(AUTHORIZATION, &["Basic YTpi"]), Some("basic"));
        assert_eq!(scheme(AUTHORIZATION, &["Bearer a", "b"]), None);
        assert_eq!(scheme(HEADER, &["Bearer a"]), None);
    }

    #[test]
    fn debug_shows_no_live_value() {
        assert!(!format!("{:?}", CallerSecret::new(HEADER, ["605b32dd"])).contains("605b"));
    }
}
