mod keys;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};

pub use self::keys::{SigningKey, SigningKeys};
use super::{CallerCheck, once};
use crate::{BoxError, Clock, ConfigError, Secret, SystemClock, clock::millis};

/// A signature over the body that callers must send in a header: HMAC-SHA-256, with one of several live keys.
///
/// It is checked after the body is read and before it is decoded, in constant time. The verifier does not see the
/// signature. A request without a signature, with two of them, with one of another key, or outside of the time window
/// is refused: its caller is unknown.
///
/// The signature of [Standard Webhooks](https://www.standardwebhooks.com/) 1.0:
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use bytes::Bytes;
/// use http::Request;
/// use tower_verify::{
///     BoxError, CallerCheck, CallerSignature, ManualClock, VerifyLayer,
///     caller::{SigningKey, SigningKeys},
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// # futures::executor::block_on(async {
/// let key = SigningKey::from_base64("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let signature = CallerSignature::standard_webhooks(SigningKeys::new([key])?);
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)).caller_check(signature.clone());
///
/// let then = ManualClock::new(UNIX_EPOCH + Duration::from_secs(1614265330));
/// let (mut head, body) = Request::post("/checkauthtoken")
///     .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
///     .header("webhook-timestamp", "1614265330")
///     .header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
///     .body(Bytes::from(r#"{"test": 2432232314}"#))?
///     .into_parts();
/// assert!(signature.clock(then).check(&mut head, &body).await?);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// The signature of a platform that has one of its own, such as `X-Signature: sha256=` and the HMAC in hexadecimal:
///
/// ```
/// use http::HeaderName;
/// use tower_verify::{CallerSignature, caller::{SigningKey, SigningKeys}};
///
/// let keys = SigningKeys::new([SigningKey::from_bytes(b"a secret that both sides know")?])?;
/// let signature = CallerSignature::in_header(HeaderName::from_static("x-signature"), keys).prefix("sha256=");
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
///
/// # Security
///
/// * The signature covers the body, and neither the path nor the query: it proves nothing about a `GET`.
/// * Without a [timestamp](Self::timestamp) a request can be sent again at any time, by anybody who has seen it. With one,
///   it can be sent again within the window: the check keeps no record of what it has seen.
/// * Give each endpoint and each tenant keys of its own.
#[derive(Clone)]
pub struct CallerSignature {
    keys: SigningKeys,
    scheme: Scheme,
    tolerance: Duration,
    clock: Arc<dyn Clock>,
}

/// The form of the signature and of what is signed: the id and the timestamp if there are any, and the body, with dots
/// between them.
#[derive(Debug, Clone)]
struct Scheme {
    id: Option<HeaderName>,
    timestamp: Option<HeaderName>,
    signature: HeaderName,
    prefix: String,
    base64: bool,
    /// Whether the header may have several signatures, with spaces between them.
    several: bool,
}

impl CallerSignature {
    /// The signature of Standard Webhooks 1.0 in the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    ///
    /// Only the symmetric signatures, `v1`, are looked at. The default window is five minutes.
    ///
    /// The source is [its specification](https://github.com/standard-webhooks/standard-webhooks), "Signature scheme" and
    /// "Webhook headers".
    pub fn standard_webhooks(keys: SigningKeys) -> Self {
        Self::new(
            keys,
            Scheme {
                id: Some(HeaderName::from_static("webhook-id")),
                timestamp: Some(HeaderName::from_static("webhook-timestamp")),
                signature: HeaderName::from_static("webhook-signature"),
                prefix: "v1,".to_owned(),
                base64: true,
                several: true,
            },
        )
    }

    /// A signature over the body in `header`, in hexadecimal.
    ///
    /// [`prefix`](Self::prefix), [`base64`](Self::base64) and [`timestamp`](Self::timestamp) say what else the platform
    /// does.
    pub fn in_header(header: HeaderName, keys: SigningKeys) -> Self {
        let (prefix, base64, several) = (String::new(), false, false);
        Self::new(keys, Scheme { id: None, timestamp: None, signature: header, prefix, base64, several })
    }

    fn new(keys: SigningKeys, scheme: Scheme) -> Self {
        Self { keys, scheme, tolerance: Duration::from_secs(5 * 60), clock: Arc::new(SystemClock) }
    }

    /// The text before a signature in its header, such as `sha256=`. The default is none, and `v1,` of Standard Webhooks.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.scheme.prefix = prefix.into();
        self
    }

    /// Takes signatures in base64, with padding, instead of hexadecimal.
    pub fn base64(mut self) -> Self {
        self.scheme.base64 = true;
        self
    }

    /// Requires a timestamp in `header`, in seconds since the Unix epoch. The signature then covers the timestamp, a dot
    /// and the body.
    pub fn timestamp(mut self, header: HeaderName) -> Self {
        self.scheme.timestamp = Some(header);
        self
    }

    /// How far a timestamp may be from the clock, before it or after it. The default is five minutes.
    ///
    /// # Errors
    /// If it is shorter than a second, or longer than a day.
    pub fn tolerance(mut self, tolerance: Duration) -> Result<Self, ConfigError> {
        if !(Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60)).contains(&tolerance) {
            return Err(ConfigError::new("the tolerance of a signature's time must be 1 second to 24 hours"));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// Sets the clock that timestamps are compared with. The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Whether the time is within the window.
    fn is_recent(&self, timestamp: &[u8]) -> bool {
        // `u64::from_str` would take a sign.
        let digits = !timestamp.is_empty() && timestamp.iter().all(u8::is_ascii_digit);
        let seconds = std::str::from_utf8(timestamp).ok().filter(|_| digits).and_then(|text| text.parse::<u64>().ok());
        let sent = seconds.and_then(|seconds| seconds.checked_mul(1000));
        sent.is_some_and(|sent| sent.abs_diff(self.clock.unix_millis()) <= millis(self.tolerance))
    }
}

impl CallerCheck for CallerSignature {
    async fn check(&self, head: &mut Parts, body: &Bytes) -> Result<bool, BoxError> {
        let scheme = &self.scheme;
        let presented = once(&head.headers, &scheme.signature).cloned();
        head.headers.remove(&scheme.signature);
        let Some(presented) = presented else { return Ok(false) };

        let mut prefix: Vec<&[u8]> = Vec::with_capacity(4);
        for header in [&scheme.id, &scheme.timestamp].into_iter().flatten() {
            match once(&head.headers, header).map(HeaderValue::as_bytes) {
                // With a dot in it, one part could be taken for two.
                Some(value) if !value.is_empty() && !value.contains(&b'.') => {
                    prefix.extend([value, b"."] as [&[u8]; 2])
                }
                _ => return Ok(false),
            }
        }
        if let Some(header) = &scheme.timestamp
            && !once(&head.headers, header).is_some_and(|value| self.is_recent(value.as_bytes()))
        {
            return Ok(false);
        }
        let signatures = self.keys.sign(head, &prefix, body).await?;
        let expected: Vec<Secret> = signatures.iter().map(|signature| scheme.text(signature)).collect();
        let presented = scheme.normalized(presented.as_bytes());
        Ok(scheme.split(&presented).fold(false, |known, presented| {
            // `|`, not `||`: the time must not show which key or which signature matched.
            expected.iter().fold(known, |known, expected| known | expected.is_bytes(presented))
        }))
    }
}

impl Scheme {
    /// The text that a request with this signature has in its header, normalized.
    fn text(&self, signature: &[u8; 32]) -> Secret {
        let mut text = self.prefix.clone();
        if self.base64 {
            STANDARD.encode_string(signature, &mut text);
        } else {
            text.make_ascii_lowercase();
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            text.extend(
                signature.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| DIGITS[usize::from(n)] as char),
            );
        }
        text.into()
    }

    /// Hexadecimal digits may be capital letters.
    fn normalized<'a>(&self, presented: &'a [u8]) -> Cow<'a, [u8]> {
        if self.base64 { presented.into() } else { presented.to_ascii_lowercase().into() }
    }

    fn split<'a>(&self, presented: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let several = self.several;
        presented.split(move |byte| several && *byte == b' ')
    }
}

impl fmt::Debug for CallerSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerSignature")
            .field("keys", &self.keys)
            .field("scheme", &self.scheme)
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}
