//! How the check of a credential can end: with a verdict, with a [`Rejection`] of bad input, or with a [`Failure`] to
//! reach a verdict. The three are never mixed.
//!
//! ```
//! use tower_verify::{Outcome, Rejection};
//!
//! assert!(Outcome::Verdict(true).admits());
//! assert!(!Outcome::Verdict(false).admits());
//! assert!(!Outcome::<bool>::from(Rejection::malformed("the body is not JSON")).admits());
//! ```

use std::{any::Any, borrow::Cow, error::Error, fmt, time::Duration};

use crate::{BoxError, Verdict};

/// How the check of a credential ended, to be answered by [`Endpoint::answer`](crate::Endpoint::answer).
///
/// More ways to end may be added; whatever is not a positive verdict is answered as not admitted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<V> {
    /// The verifier decided.
    Verdict(V),
    /// The request was not fit to be verified; the verifier was not asked.
    Rejected(Rejection),
    /// There is no verdict: the verifier failed, panicked, or ran out of time.
    Failed(Failure),
}

impl<V: Verdict> Outcome<V> {
    /// Whether this is a positive verdict: the only outcome that a platform may read as "admitted".
    pub fn admits(&self) -> bool {
        matches!(self, Self::Verdict(verdict) if verdict.admits())
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

/// Why a request was not fit to be verified.
///
/// Its texts are sent to the platform. They name what is wrong and never repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
    detail: Cow<'static, str>,
    code: &'static str,
    field: &'static str,
}

/// The kinds of [`Rejection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The request does not have the form that the contract asks for.
    Malformed,
    /// The body is larger than the configured limit.
    TooLarge,
    /// The caller did not present the secret that is required of it.
    UnknownCaller,
}

impl Rejection {
    /// A malformed request. `detail` says what is wrong with it, without any of its values.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RejectionKind::Malformed, detail)
    }

    /// A body of more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(RejectionKind::TooLarge, format!("the body is larger than {limit} bytes"))
    }

    /// A caller without the secret that is required of it.
    pub fn unknown_caller() -> Self {
        Self::new(RejectionKind::UnknownCaller, "the caller's secret is missing or not known")
    }

    fn new(kind: RejectionKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), code: "", field: "" }
    }

    /// The same with the platform's own code for it; the default is `""`, no code.
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// The same with the platform's name for the field that is wrong; the default is `""`, no field.
    pub fn with_field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// What kind of bad input it was.
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// What is wrong, in words that may be sent to the platform.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The platform's own code for it, or `""`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The platform's name for the field that is wrong, or `""`.
    pub fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for Rejection {}

/// Why there is no verdict.
///
/// A verifier that returns a `Failure` as its error has it handed on as it is; any other error becomes
/// [`FailureKind::Error`].
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

/// The kinds of [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The verifier returned an error: the source of the failure.
    Error,
    /// The verifier, or the decoding before it, panicked.
    Panicked,
    /// The deadline passed while the body was read or the credential verified.
    DeadlineExceeded,
    /// The verifier was not asked, because of too many failed attempts before this one.
    Throttled,
}

impl Failure {
    /// No verdict because of `error`. If `error` is itself a `Failure`, it is that one.
    pub fn from_error(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => Self { source: Some(error), ..Self::new(FailureKind::Error) },
        }
    }

    /// No verdict after too many failed attempts; the next attempt will be looked at in `retry_after`.
    pub fn throttled(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(FailureKind::Throttled) }
    }

    #[cfg(feature = "deadline")]
    pub(crate) fn deadline_exceeded() -> Self {
        Self::new(FailureKind::DeadlineExceeded)
    }

    /// The panic's payload is dropped: it may hold a credential.
    pub(crate) fn panicked(_payload: Box<dyn Any + Send>) -> Self {
        Self::new(FailureKind::Panicked)
    }

    fn new(kind: FailureKind) -> Self {
        Self { kind, retry_after: None, source: None }
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// How long to wait before another attempt is looked at, if that is known.
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
    fn a_failure_among_errors_is_kept() {
        let failure = Failure::from_error(Failure::throttled(Duration::from_secs(3)));
        assert_eq!(failure.kind(), FailureKind::Throttled);
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));

        let failure = Failure::from_error("connection refused");
        assert_eq!(failure.kind(), FailureKind::Error);
        assert_eq!(failure.source().unwrap().to_string(), "connection refused");
        assert_eq!(failure.to_string(), "the verifier failed");
    }
}
