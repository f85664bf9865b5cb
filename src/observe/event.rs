use std::{fmt, net::IpAddr, time::Duration};

use http::StatusCode;

use super::Pseudonym;
use crate::{Failure, FailureKind, Rejection, RejectionKind};

/// One call of an endpoint or a guard, as an [`Observer`](super::Observer) sees it when the call has ended.
///
/// It holds no credential. The only value of the request in it is the [client's address](Self::client). Its texts come
/// from the endpoint and from the verifier's error.
///
/// ```
/// use tower_verify::{
///     Endpoints,
///     observe::{Event, EventOutcome},
/// };
///
/// fn log(event: &Event<'_>) {
///     let (endpoint, seconds) = (event.endpoint, event.total.as_secs_f64());
///     match event.outcome {
///         EventOutcome::Denied(verdict) => println!("{endpoint}: denied, {verdict}, after {seconds:.3} s"),
///         EventOutcome::Failed(failure) => eprintln!("{endpoint}: {failure}, after {seconds:.3} s"),
///         outcome => println!("{endpoint}: {outcome}, after {seconds:.3} s"),
///     }
/// }
///
/// let endpoints = Endpoints::observed_by(log);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event<'a> {
    /// [`Contract::NAME`](crate::Contract::NAME) of the endpoint or guard, such as `"diyalog.customer"`.
    pub endpoint: &'static str,
    /// How the call ended.
    pub outcome: EventOutcome<'a>,
    /// The status of the layer's response.
    ///
    /// `None` if the layer made no response: a guard let the request through, or the call was
    /// [cancelled](EventOutcome::Cancelled).
    ///
    /// Some platforms read only the body. Their endpoints respond with 200 to a bad credential too.
    pub status: Option<StatusCode>,
    /// The size of the request's body in bytes. `None` if the body was not read to its end.
    pub body_bytes: Option<usize>,
    /// The time from the request's arrival until the body was read, or until the call ended if it was not.
    pub reading: Duration,
    /// The time that the verifier took until it returned or the call ended. `None` if it was not called.
    pub verifying: Option<Duration>,
    /// The time from the request's arrival to the response.
    pub total: Duration,
    /// The pseudonym of the credential's principal: see [`VerifyLayer::principal`](crate::VerifyLayer::principal).
    ///
    /// `None` if that is not set or returns `None`, or if the request was rejected.
    pub principal: Option<Pseudonym>,
    /// The address of the client, if it is known: see [`VerifyLayer::client_addr`](crate::VerifyLayer::client_addr).
    pub client: Option<IpAddr>,
}

/// How a call ended: an [`Outcome`](crate::Outcome) without its verdict.
///
/// ```
/// use tower_verify::{Failure, observe::EventOutcome};
///
/// assert_eq!(EventOutcome::Admitted.as_str(), "admitted");
/// assert_eq!(EventOutcome::Failed(&Failure::deadline_exceeded()).as_str(), "deadline_exceeded");
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum EventOutcome<'a> {
    /// The verdict was positive.
    Admitted,
    /// The verdict was negative: its [name](crate::Verdict::name).
    Denied(&'static str),
    /// The request was rejected: the verifier was not called.
    Rejected(&'a Rejection),
    /// There is no verdict.
    Failed(&'a Failure),
    /// The caller disconnected, or the host dropped the call, before there was an outcome.
    Cancelled,
}

impl EventOutcome<'_> {
    /// The name of the outcome in metrics and logs.
    ///
    /// It is `admitted`, `denied` or `cancelled`, or the name of the [kind of rejection](RejectionKind::as_str) or the
    /// [kind of failure](FailureKind::as_str).
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Denied(_) => "denied",
            Self::Rejected(rejection) => rejection.kind().as_str(),
            Self::Failed(failure) => failure.kind().as_str(),
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for EventOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RejectionKind {
    /// The name of the kind in metrics and logs.
    ///
    /// It is `malformed`, `too_large`, `no_credential` or `unknown_caller`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::NoCredential => "no_credential",
            Self::UnknownCaller => "unknown_caller",
        }
    }
}

impl FailureKind {
    /// The name of the kind in metrics and logs.
    ///
    /// It is `error`, `panicked`, `deadline_exceeded`, `throttled`, `overloaded` or `disabled`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Throttled => "throttled",
            Self::Overloaded => "overloaded",
            Self::Disabled => "disabled",
        }
    }
}
