use base64::{Engine, prelude::BASE64_STANDARD};
use bytestring::ByteString;
use http::{HeaderMap, HeaderName};

use crate::taptalk::wire::code::Code;
use crate::{Rejection, Secret};

pub(in crate::taptalk) const SERVER_KEY: HeaderName = HeaderName::from_static("server-key");
pub(in crate::taptalk) const APP_KEY: HeaderName = HeaderName::from_static("app-key");

/// A key from TapTalk's dashboard: an id and a secret.
///
/// Server keys are for backends, app keys are for the apps. A [`Client`](crate::taptalk::Client) sends a server key; a
/// ticket server has a set of known [`ApiKeys`](crate::taptalk::ApiKeys).
///
/// ```
/// use tower_verify::taptalk::ApiKey;
///
/// let key = ApiKey::new("key-id", "605b32dd");
/// // `Secret`s compare in constant time. `&` always compares both parts.
/// assert!((key.id == "key-id") & (key.secret == "605b32dd"));
/// assert!(!format!("{key:?}").contains("605b32dd"));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApiKey {
    /// The id of the key. It has no colon.
    pub id: Secret,
    /// The secret of the key.
    pub secret: Secret,
}

impl ApiKey {
    /// A key with this id and secret.
    pub fn new(id: impl Into<Secret>, secret: impl Into<Secret>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }

    /// Takes the key out of the header `name`, whose value is `base64(id:secret)`.
    pub(in crate::taptalk) fn take(headers: &mut HeaderMap, name: &HeaderName) -> Result<Self, Rejection> {
        let twice = headers.get_all(name).iter().nth(1).is_some();
        let (display, missing) = match *name == SERVER_KEY {
            true => ("Server-Key", Code::HEADER_MISSING),
            false => ("App-Key", Code::APP_KEY_MISSING),
        };
        let value = match headers.remove(name) {
            Some(value) if !value.is_empty() => value,
            _ => return Err(missing.reject(format!("Request headers are required ({display})"))),
        };
        let decoded = BASE64_STANDARD.decode(value.as_bytes()).ok().and_then(|key| ByteString::try_from(key).ok());
        let key = decoded.as_ref().and_then(|key| Some((key, key.split_once(':')?)));
        match key {
            Some((source, (id, secret))) if !twice && !id.is_empty() && !secret.is_empty() => {
                Ok(Self { id: Secret::slice_of(source, id.into()), secret: Secret::slice_of(source, secret.into()) })
            }
            _ => {
                Err(Code::KEY_MALFORMED.reject(format!("{display} must be the base64 of an id, a colon and a secret")))
            }
        }
    }
}

impl ApiKey {
    /// Takes the key out of `App-Key`, if there is one. An empty header counts as absent.
    pub(in crate::taptalk) fn take_if_given(headers: &mut HeaderMap) -> Result<Option<Self>, Rejection> {
        match Self::take(headers, &APP_KEY) {
            Err(rejection) if rejection.code() == Some(Code::APP_KEY_MISSING.as_str()) => Ok(None),
            taken => taken.map(Some),
        }
    }
}

/// Why a presented key is refused: see [`KnownKey`](crate::taptalk::KnownKey).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// The id or the secret is unknown. The response does not tell which.
    Unknown,
    /// The key is not for the platform that the app sent in `Device-Platform`.
    OtherPlatform,
    /// The key has expired.
    Expired,
    /// The customer has not enabled the key.
    NotEnabled,
    /// The key's app, project or customer is suspended.
    Suspended,
    /// The key's app, project or customer no longer exists.
    WithoutOwner,
}

impl KeyRefusal {
    /// The name of the refusal in logs and metrics.
    pub(in crate::taptalk) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "key_unknown",
            Self::OtherPlatform => "key_of_other_platform",
            Self::Expired => "key_expired",
            Self::NotEnabled => "key_not_enabled",
            Self::Suspended => "key_suspended",
            Self::WithoutOwner => "key_without_owner",
        }
    }

    /// The code and the message of the refusal. `display` is the header's name.
    pub(in crate::taptalk) fn code(self, display: &str) -> (Code, String) {
        let (code, what) = match self {
            Self::Unknown => (Code::KEY_UNKNOWN, "is not known"),
            Self::OtherPlatform => (Code::KEY_OF_OTHER_PLATFORM, "is not for this platform"),
            Self::Expired => (Code::KEY_EXPIRED, "has expired"),
            Self::NotEnabled => (Code::KEY_NOT_ENABLED, "is not enabled"),
            Self::Suspended => (Code::KEY_SUSPENDED, "is suspended"),
            Self::WithoutOwner => (Code::KEY_WITHOUT_OWNER, "is of no app any more"),
        };
        (code, format!("{display} {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(values: &[&str]) -> Result<(String, String), &'static str> {
        let mut headers: HeaderMap = values.iter().map(|value| (SERVER_KEY, value.parse().unwrap())).collect();
        let key = ApiKey::take(&mut headers, &SERVER_KEY);
        assert!(headers.is_empty(), "the header must not reach the verifier");
        let text = |secret: Secret| secret.expose_secret().to_owned();
        key.map(|key| (text(key.id), text(key.secret))).map_err(|rejection| rejection.code().unwrap_or_default())
    }

    fn base64(text: impl AsRef<[u8]>) -> String {
        BASE64_STANDARD.encode(text)
    }

    #[test]
    fn the_first_colon_splits() {
        for (text, id, secret) in [("id:secret", "id", "secret"), ("a:b:c", "a", "b:c"), ("a::", "a", ":")] {
            assert_eq!(take(&[&base64(text)]), Ok((id.to_owned(), secret.to_owned())));
        }
    }

    #[test]
    fn an_absent_or_empty_header_is_missing_and_anything_else_is_malformed() {
        assert_eq!(take(&[]), Err("40001"));
        assert_eq!(take(&[""]), Err("40001"));
        let good = base64("id:secret!");
        assert!(good.ends_with('='));
        for value in [
            "id:secret!",
            &format!("Basic {good}"),
            &format!(" {good}"),
            &format!("{good} "),
            good.trim_end_matches('='),
            &format!("{good}="),
            &base64("no colon"),
            &base64(":secret"),
            &base64("id:"),
            &base64(b"id:\xff"),
            "aWQ6Pz8_",
        ] {
            assert_eq!(take(&[value]), Err("49102"), "{value}");
        }
        assert_eq!(take(&[&good, &good]), Err("49102"));
    }
}
