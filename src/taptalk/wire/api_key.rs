use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName};

use crate::taptalk::wire::code::Code;
use crate::{Rejection, Secret};

pub(in crate::taptalk) static SERVER_KEY: HeaderName = HeaderName::from_static("server-key");
pub(in crate::taptalk) static APP_KEY: HeaderName = HeaderName::from_static("app-key");

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

    /// Takes the key out of the header `name`, [`SERVER_KEY`] or [`APP_KEY`], whose value is `base64(id:secret)`.
    pub(in crate::taptalk) fn take(headers: &mut HeaderMap, name: &HeaderName) -> Result<Self, Rejection> {
        Self::taken(headers, name)?.ok_or_else(|| match *name == SERVER_KEY {
            true => Code::HEADER_MISSING.reject("Request headers are required (Server-Key)"),
            false => Code::APP_KEY_MISSING.reject("Request headers are required (App-Key)"),
        })
    }

    /// Takes the key out of `App-Key`, if there is one.
    pub(in crate::taptalk) fn take_if_given(headers: &mut HeaderMap) -> Result<Option<Self>, Rejection> {
        Self::taken(headers, &APP_KEY)
    }

    /// Takes the key out of a header. An empty header counts as absent.
    fn taken(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<Self>, Rejection> {
        // `len` counts all values: it is larger only if some header is given more than once.
        let twice = headers.len() > headers.keys_len() && headers.get_all(name).iter().nth(1).is_some();
        let Some(value) = headers.remove(name).filter(|value| twice || !value.is_empty()) else { return Ok(None) };
        match Self::decode(value.as_bytes()) {
            Some(key) if !twice => Ok(Some(key)),
            _ => Err(Code::KEY_MALFORMED.reject(match *name == SERVER_KEY {
                true => "Server-Key must be the base64 of an id, a colon and a secret",
                false => "App-Key must be the base64 of an id, a colon and a secret",
            })),
        }
    }

    fn decode(value: &[u8]) -> Option<Self> {
        // Most keys fit here, and need no allocation of their own.
        let (mut short, mut long) = ([0; 96], Vec::new());
        let decoded = if value.len() <= 128 {
            &mut short[..]
        } else {
            long.resize(value.len(), 0);
            &mut long
        };
        let length = BASE64_STANDARD.decode_slice(value, decoded).ok()?;
        let decoded = str::from_utf8(&decoded[..length]).ok()?;
        let (id, secret) = decoded.split_at(decoded.bytes().position(|byte| byte == b':')?);
        let key = Self::new(id, &secret[1..]);
        (!key.id.is_empty() && !key.secret.is_empty()).then_some(key)
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
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    fn take(values: &[&str]) -> Result<(String, String), &'static str> {
        let mut headers: HeaderMap = values.iter().map(|value| (SERVER_KEY.clone(), value.parse().unwrap())).collect();
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
    fn another_header_may_be_given_twice() {
        let mut headers: HeaderMap =
            [(SERVER_KEY.clone(), base64("id:secret")), (ACCEPT, "a/b".into()), (ACCEPT, "c/d".into())]
                .map(|(name, value)| (name, value.parse().unwrap()))
                .into_iter()
                .collect();
        assert!(ApiKey::take(&mut headers, &SERVER_KEY).is_ok());
    }

    #[test]
    fn a_key_can_be_long() {
        for length in [92, 93, 94, 95, 96, 97, 98, 4000] {
            let secret = "s".repeat(length);
            assert_eq!(take(&[&base64(format!("id:{secret}"))]), Ok(("id".to_owned(), secret)));
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
        // An empty one beside another is no missing one: where the key is optional, it would count as not given.
        assert_eq!((take(&["", &good]), take(&[&good, ""])), (Err("49102"), Err("49102")));
    }
}
