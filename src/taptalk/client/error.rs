use std::{error::Error, fmt};

use http::StatusCode;
use http_body_util::LengthLimitError;

use crate::BoxError;
use crate::taptalk::ApiError;

/// Why there is no ticket.
///
/// Its texts and its sources contain neither the server key nor a ticket.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::service_fn;
/// use tower_verify::{
///     BoxError,
///     taptalk::{ApiKey, Client, ClientErrorKind, Profile, TicketParameters, UserPlatform},
/// };
///
/// # futures::executor::block_on(async {
/// // A stand-in for TapTalk.
/// let http = service_fn(|_: Request<Full<Bytes>>| async {
///     let answer = r#"{"status": 491, "error": {"code": "49103", "message": "Key not found", "field": ""}, "data": {}}"#;
///     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(answer)))
/// });
/// let client = Client::new(http, ApiKey::new("key-id", "key-secret"))?;
/// let ada = Profile::new("customer-7", "Ada Lovelace");
/// let parameters = TicketParameters::new(ada, UserPlatform::Ios, "device-7", "203.0.113.9", "Acme/1.0");
///
/// let error = client.request_ticket(parameters).await.unwrap_err();
/// assert_eq!(error.kind(), ClientErrorKind::Refused);
/// let refusal = error.api_error().expect("TapTalk said why");
/// assert_eq!((refusal.status, refusal.code.as_str()), (491, "49103"));
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ClientError {
    kind: ClientErrorKind,
    status: Option<StatusCode>,
    source: Option<BoxError>,
}

/// The kinds of a [`ClientError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// TapTalk answered that it gives no ticket: see [`ClientError::api_error`].
    Refused,
    /// There is no whole answer: there was no connection, or it broke off, or the HTTP client failed.
    Transport,
    /// The deadline passed before the answer was complete.
    DeadlineExceeded,
    /// The answer is no envelope with a ticket in it: a proxy's error page, or a redirect, which is not followed.
    Unreadable,
    /// The answer is larger than the limit.
    TooLarge,
}

impl ClientError {
    pub(in crate::taptalk) fn refused(status: StatusCode, error: ApiError) -> Self {
        Self { kind: ClientErrorKind::Refused, status: Some(status), source: Some(error.into()) }
    }

    pub(in crate::taptalk) fn transport(error: impl Into<BoxError>) -> Self {
        Self { kind: ClientErrorKind::Transport, status: None, source: Some(error.into()) }
    }

    /// There is no source: a parser's words could repeat the ticket.
    pub(in crate::taptalk) fn unreadable(status: StatusCode) -> Self {
        Self { kind: ClientErrorKind::Unreadable, status: Some(status), source: None }
    }

    /// The body of a response could not be read to its end.
    pub(in crate::taptalk) fn body(status: StatusCode, error: BoxError) -> Self {
        let kind = match error.is::<LengthLimitError>() {
            true => ClientErrorKind::TooLarge,
            false => ClientErrorKind::Transport,
        };
        Self { kind, status: Some(status), source: Some(error) }
    }

    #[cfg(feature = "deadline")]
    pub(in crate::taptalk) fn deadline_exceeded() -> Self {
        Self { kind: ClientErrorKind::DeadlineExceeded, status: None, source: None }
    }

    /// The kind of error.
    pub fn kind(&self) -> ClientErrorKind {
        self.kind
    }

    /// The response of TapTalk, if it [refused](ClientErrorKind::Refused).
    pub fn api_error(&self) -> Option<&ApiError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// The HTTP status of the answer, if there was one. It is 200 for most refusals too: TapTalk's own status is that of
    /// [`api_error`](Self::api_error).
    pub fn http_status(&self) -> Option<StatusCode> {
        self.status
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ClientErrorKind::Refused => "TapTalk refused to give a ticket",
            ClientErrorKind::Transport => "the HTTP exchange with TapTalk failed",
            ClientErrorKind::DeadlineExceeded => "TapTalk did not answer in time",
            ClientErrorKind::Unreadable => "TapTalk's answer cannot be read",
            ClientErrorKind::TooLarge => "TapTalk's answer is too large",
        })?;
        self.status.map_or(Ok(()), |status| write!(f, " (HTTP status {})", status.as_u16()))
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
