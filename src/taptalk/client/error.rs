use std::{error::Error, fmt};

use http::StatusCode;
use http_body_util::LengthLimitError;

use crate::BoxError;
use crate::taptalk::ApiError;

/// Why a [`Client`](crate::taptalk::Client) got no ticket.
///
/// Neither its messages nor its sources contain the server key or a ticket.
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
///     let answer = r#"{"status": 491, "error": {"code": "49103", "message": "Key not found"}, "data": {}}"#;
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
    /// TapTalk refused to issue a ticket: see [`ClientError::api_error`].
    Refused,
    /// There is no complete response: the connection could not be opened or broke, or the HTTP client failed.
    Transport,
    /// The deadline passed before the response was complete.
    DeadlineExceeded,
    /// The response is not an envelope with a ticket, but for example a proxy's error page or a redirect, which is not
    /// followed.
    Unreadable,
    /// The response is larger than [`answer_limit`](crate::taptalk::Client::answer_limit).
    TooLarge,
}

impl ClientError {
    pub(in crate::taptalk) fn refused(status: StatusCode, error: ApiError) -> Self {
        Self { kind: ClientErrorKind::Refused, status: Some(status), source: Some(error.into()) }
    }

    pub(in crate::taptalk) fn transport(error: impl Into<BoxError>) -> Self {
        Self { kind: ClientErrorKind::Transport, status: None, source: Some(error.into()) }
    }

    /// There is no source, because a parser's message could quote the ticket.
    pub(in crate::taptalk) fn unreadable(status: StatusCode) -> Self {
        Self { kind: ClientErrorKind::Unreadable, status: Some(status), source: None }
    }

    /// An error while reading the body of a response.
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

    /// TapTalk's error, if it [refused](ClientErrorKind::Refused).
    pub fn api_error(&self) -> Option<&ApiError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// The HTTP status of the response, if there was one.
    ///
    /// It is 200 for most refusals: TapTalk's real status is in [`api_error`](Self::api_error).
    pub fn http_status(&self) -> Option<StatusCode> {
        self.status
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ClientErrorKind::Refused => "TapTalk refused to issue a ticket",
            ClientErrorKind::Transport => "the HTTP request to TapTalk failed",
            ClientErrorKind::DeadlineExceeded => "TapTalk did not respond before the deadline",
            ClientErrorKind::Unreadable => "TapTalk's response has no valid envelope with a ticket",
            ClientErrorKind::TooLarge => "TapTalk's response is larger than `answer_limit`",
        })?;
        self.status.map_or(Ok(()), |status| write!(f, " (HTTP status {})", status.as_u16()))
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
