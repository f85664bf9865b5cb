//! The outcomes of a check.

use std::{
    any::Any,
    borrow::Cow,
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::Response;

use crate::{BoxError, Credential, Endpoint, Verdict};

/// How the check of a credential ended: with a verdict, a rejection or a failure.
///
/// More variants may be added. Refuse everything but a positive verdict.
///
/// ```
/// use tower_verify::{Outcome, Rejection};
///
/// assert!(Outcome::Verdict(true).admits());
/// assert!(!Outcome::Verdict(false).admits());
/// assert!(!Outcome::<bool>::from(Rejection::malformed("the body is not JSON")).admits());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<V> {
    /// The verifier decided.
    Verdict(V),
    /// The request was not fit to be verified, and the verifier was not called.
    Rejected(Rejection),
    /// There is no verdict, for example because the verifier failed, panicked, or ran out of time.
    Failed(Failure),
}

impl<V: Verdict> Outcome<V> {
    /// Whether this is a positive verdict: the only outcome that a platform may read as "admitted".
    pub fn admits(&self) -> bool {
        matches!(self, Self::Verdict(verdict) if verdict.admits())
    }

    /// The positive verdict.
    ///
    /// # Errors
    /// The outcome itself, if it is anything else.
    pub fn into_admitted(self) -> Result<V, Self> {
        match self {
            Self::Verdict(verdict) if verdict.admits() => Ok(verdict),
            refusal => Err(refusal),
        }
    }

    /// The endpoint's response to this outcome, as the layer chooses it: [`Endpoint::admitted`] for a positive verdict,
    /// [`Contract::refused`](crate::Contract::refused) for everything else.
    ///
    /// Use it to test an endpoint.
    pub fn respond<E>(self, endpoint: &E, context: E::Context) -> Response<Bytes>
    where
        E: Endpoint,
        E::Credential: Credential<Verdict = V>,
    {
        match self.into_admitted() {
            Ok(verdict) => endpoint.admitted(verdict, context),
            Err(refusal) => endpoint.refused(refusal, context),
        }
    }
}

impl<V> From<Rejection> for Outcome<V> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<V> From<Failure> for Outcome<V> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Why a request was not fit to be verified, and was refused without calling the verifier.
///
/// Its texts are sent to the platform. They name the fault and never contain a value of the request.
///
/// ```
/// use tower_verify::{Rejection, RejectionKind};
///
/// let rejection = Rejection::malformed("`token` must be a string").with_field("token");
/// assert_eq!(rejection.kind(), RejectionKind::Malformed);
/// assert_eq!((rejection.field(), rejection.code()), (Some("token"), None));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
    detail: Cow<'static, str>,
    code: Option<&'static str>,
    field: Option<&'static str>,
}

/// The kinds of [`Rejection`]: malformed, too large, without a credential, or from an unknown caller.
///
/// ```
/// use http::StatusCode;
/// use tower_verify::{Rejection, RejectionKind};
///
/// fn status(rejection: &Rejection) -> StatusCode {
///     match rejection.kind() {
///         RejectionKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
///         RejectionKind::NoCredential | RejectionKind::UnknownCaller => StatusCode::UNAUTHORIZED,
///         _ => StatusCode::BAD_REQUEST,
///     }
/// }
///
/// assert_eq!(status(&Rejection::malformed("the body is not JSON")), 400);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The request does not have the form that the contract asks for.
    Malformed,
    /// The body is larger than the configured limit.
    TooLarge,
    /// The request has no credential at all. Some callers send such a request first and expect a challenge.
    NoCredential,
    /// The caller did not present the required secret.
    UnknownCaller,
}

impl Rejection {
    /// A malformed request. `detail` names the fault, without any value of the request.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RejectionKind::Malformed, detail)
    }

    /// A body of more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(RejectionKind::TooLarge, format!("the body is larger than {limit} bytes"))
    }

    /// A request without any credential. `detail` says where one is expected.
    pub fn no_credential(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RejectionKind::NoCredential, detail)
    }

    /// A caller without the required secret.
    pub fn unknown_caller() -> Self {
        Self::new(RejectionKind::UnknownCaller, "the caller's secret is missing or not known")
    }

    fn new(kind: RejectionKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), code: None, field: None }
    }

    /// Adds the platform's code for the fault. The default is none.
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Adds the platform's name of the field at fault. The default is none.
    pub fn with_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The kind of bad input.
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The fault, in words that may be sent to the platform.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The platform's code for the fault.
    pub fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// The platform's name of the field at fault.
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for Rejection {}

/// Why there is no verdict: the verifier failed, panicked, took too long, or was not called.
///
/// If a verifier returns a `Failure` as its error, that failure is kept. Any other error becomes a failure of the kind
/// [`FailureKind::Error`], with the error as its source.
///
/// The layer adds the failure to the extensions of its response, with the [endpoint's name](Self::endpoint), so that
/// outer layers can log why an endpoint gave no verdict:
///
/// ```
/// use std::error::Error;
/// use http::Response;
/// use tower_verify::Failure;
///
/// fn log<B>(response: &Response<B>) {
///     if let Some(failure) = response.extensions().get::<Failure>() {
///         let (endpoint, source) = (failure.endpoint().unwrap_or_default(), failure.source());
///         eprintln!("{endpoint}: {failure}: {source:?}");
///     }
/// }
/// # log(&Response::new(()));
/// ```
///
/// The text of the source is never sent to the platform.
#[derive(Debug, Clone)]
pub struct Failure {
    kind: FailureKind,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn Error + Send + Sync>>,
    endpoint: Option<&'static str>,
}

/// The kinds of [`Failure`]: an error, a panic, a passed deadline, throttling, overload, or a switched-off endpoint.
///
/// ```
/// use std::time::Duration;
/// use http::StatusCode;
/// use tower_verify::{Failure, FailureKind};
///
/// fn status(failure: &Failure) -> StatusCode {
///     match failure.kind() {
///         FailureKind::Throttled => StatusCode::TOO_MANY_REQUESTS,
///         FailureKind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
///         _ => StatusCode::SERVICE_UNAVAILABLE,
///     }
/// }
///
/// assert_eq!(status(&Failure::throttled(Duration::from_secs(3))), 429);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The verifier returned an error: the source of the failure.
    Error,
    /// The verifier, or the decoding before it, panicked.
    Panicked,
    /// The deadline passed while the body was read or the credential verified.
    DeadlineExceeded,
    /// The verifier was not called, because too many attempts failed before this one.
    Throttled,
    /// The verifier was not called, because too many bytes of other requests are being read.
    Overloaded,
    /// The verifier was not called, because the endpoint is [switched off](crate::VerifyLayer::enabled).
    Disabled,
}

impl Failure {
    /// No verdict because of `error`. If `error` is itself a `Failure`, it is returned as it is.
    pub fn from_error(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => Self { source: Some(error.into()), ..Self::new(FailureKind::Error) },
        }
    }

    /// No verdict because too many attempts failed. The next attempt will be verified after `retry_after`.
    pub fn throttled(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(FailureKind::Throttled) }
    }

    /// No verdict because the deadline passed.
    pub fn deadline_exceeded() -> Self {
        Self::new(FailureKind::DeadlineExceeded)
    }

    /// No verdict because of a panic that was caught with this payload.
    ///
    /// The payload is dropped, because it may hold a credential. If dropping it panics too, the payload of that panic
    /// is leaked, because dropping it could panic again.
    ///
    /// ```
    /// use std::panic::catch_unwind;
    /// use tower_verify::{Failure, FailureKind};
    ///
    /// let failure = catch_unwind(|| panic!("a bug")).unwrap_or_else(Failure::from_panic);
    /// assert_eq!(failure.kind(), FailureKind::Panicked);
    /// ```
    pub fn from_panic(payload: Box<dyn Any + Send>) -> Self {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(payload);
        }
        Self::panicked()
    }

    /// No verdict because of a panic. The panic's payload is not kept, because it may hold a credential.
    pub fn panicked() -> Self {
        Self::new(FailureKind::Panicked)
    }

    /// No verdict because too many bytes of other requests are being read.
    pub fn overloaded() -> Self {
        Self::new(FailureKind::Overloaded)
    }

    /// No verdict because the endpoint is switched off.
    pub fn disabled() -> Self {
        Self::new(FailureKind::Disabled)
    }

    fn new(kind: FailureKind) -> Self {
        Self { kind, retry_after: None, source: None, endpoint: None }
    }

    pub(crate) fn at(self, endpoint: &'static str) -> Self {
        Self { endpoint: Some(endpoint), ..self }
    }

    /// [`Contract::NAME`](crate::Contract::NAME) of the endpoint or guard that failed, once the layer has added it.
    pub fn endpoint(&self) -> Option<&'static str> {
        self.endpoint
    }

    /// The kind of failure.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// How long to wait before the next attempt, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FailureKind::Error => "the verifier failed",
            FailureKind::Panicked => "the verifier panicked",
            FailureKind::DeadlineExceeded => "the deadline passed without a verdict",
            FailureKind::Throttled => "too many failed attempts",
            FailureKind::Overloaded => "too many bytes are being read",
            FailureKind::Disabled => "the endpoint is switched off",
        })
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_positive_verdict_admits() {
        assert!(Outcome::Verdict(true).admits());
        let others = [
            Outcome::Verdict(false),
            Rejection::malformed("the body is not JSON").into(),
            Failure::from_error("connection refused").into(),
        ];
        for outcome in others {
            assert!(!outcome.admits(), "{outcome:?}");
            assert!(outcome.into_admitted().is_err());
        }
    }

    #[test]
    fn a_failure_names_its_endpoint_once_it_is_known() {
        assert_eq!(Failure::panicked().endpoint(), None);
        assert_eq!(Failure::panicked().at("diyalog.customer").endpoint(), Some("diyalog.customer"));
    }

    #[test]
    fn from_error_keeps_a_failure_and_its_source() {
        let failure = Failure::from_error(Failure::throttled(Duration::from_secs(3)));
        assert_eq!(failure.kind(), FailureKind::Throttled);
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));

        let failure = Failure::from_error("connection refused");
        assert_eq!(failure.kind(), FailureKind::Error);
        assert_eq!(failure.clone().source().unwrap().to_string(), "connection refused");
        assert_eq!(failure.to_string(), "the verifier failed");
    }
}
