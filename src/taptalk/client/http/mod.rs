use std::{
    fmt,
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
#[cfg(feature = "deadline")]
use futures_util::future::poll_immediate;
use http::{
    HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use tower_service::Service;

use crate::taptalk::{
    ApiKey, ClientError, Ticket, TicketParameters,
    wire::api_key::SERVER_KEY,
    wire::envelope::{self, EnvelopeError},
};
use crate::{BoxError, ConfigError, Failure, Secret};

const BASE_URL: &str = "https://engine.taptalk.io/api";
/// The number of a body's frames that are read without yielding.
const FRAMES_AT_ONCE: usize = 128;

const PATH: &str = "/v1/server/auth_ticket/request";

/// Requests tickets from TapTalk on behalf of your users.
///
/// It is a Tower service from [`TicketParameters`] to [`Ticket`] over any HTTP client that is a Tower service, such as
/// hyper-util's. With the feature `https-client`, `Client::over_https` has a ready-made one. Adapt an HTTP client whose
/// request body is not `Full<Bytes>` with tower's `map_request`.
///
/// | protection | default | setter |
/// |---|---|---|
/// | deadline from the request to the end of the response | 4 s, less than the 5 s of a [`VerifyLayer`](crate::VerifyLayer) around it | [`deadline`](Self::deadline) |
/// | limit of the response's body | 16 KiB | [`answer_limit`](Self::answer_limit) |
///
/// It does not retry. A request may be repeated, because TapTalk keeps one user for one `xcUserID`: put tower's `retry`
/// around the client, and its `timeout` around that.
///
/// The server key is in no `Debug` output and no error, and its header is marked as sensitive.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::service_fn;
/// use tower_verify::{
///     BoxError,
///     taptalk::{ApiKey, Client, Profile, TicketParameters, UserPlatform},
/// };
///
/// # futures::executor::block_on(async {
/// // A stand-in for TapTalk: a real backend has hyper-util's client here, or `Client::over_https`.
/// let http = service_fn(|request: Request<Full<Bytes>>| async move {
///     assert_eq!(request.uri(), "https://engine.taptalk.io/api/v1/server/auth_ticket/request");
///     assert_eq!(request.headers()["server-key"], "a2V5LWlkOmtleS1zZWNyZXQ=");
///     let answer = r#"{"status": 200, "error": {}, "data": {"userID": "6", "ticket": "t"}}"#;
///     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(answer)))
/// });
/// let client = Client::new(http, ApiKey::new("key-id", "key-secret"))?;
///
/// let ada = Profile::new("customer-7", "Ada Lovelace");
/// let parameters = TicketParameters::new(ada, UserPlatform::Ios, "device-7", "203.0.113.9", "Acme/1.0");
/// let ticket = client.request_ticket(parameters).await?;
/// assert_eq!(ticket.user_id, "6");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// Source: TapTalk.io's PowerTalk server API, "Authentication".
#[derive(Clone)]
pub struct Client<S> {
    http: S,
    exchange: Exchange,
}

/// The settings of an exchange with TapTalk.
#[derive(Clone)]
struct Exchange {
    uri: Uri,
    server_key: HeaderValue,
    answer_limit: usize,
    deadline: Option<Duration>,
}

impl<S> Client<S> {
    /// A client that calls TapTalk through `http`, with a server key from TapTalk's dashboard.
    ///
    /// # Errors
    /// If the key's id or secret is empty, such as from an unset environment variable, or if the id has a colon, which
    /// would end it.
    pub fn new(http: S, server_key: ApiKey) -> Result<Self, ConfigError> {
        let (id, secret) = (server_key.id.expose_secret(), server_key.secret.expose_secret());
        if id.is_empty() || secret.is_empty() {
            return Err(ConfigError::new("the id and the secret of the TapTalk server key must not be empty"));
        }
        if id.contains(':') {
            return Err(ConfigError::new("the id of the TapTalk server key must not contain a colon"));
        }
        let server_key = BASE64_STANDARD.encode(format!("{id}:{secret}"));
        let mut server_key = HeaderValue::try_from(server_key).expect("base64 is a header's value");
        server_key.set_sensitive(true);
        let exchange = Exchange {
            uri: uri(BASE_URL)?,
            server_key,
            answer_limit: 16 * 1024,
            deadline: Some(Duration::from_secs(4)),
        };
        Ok(Self { http, exchange })
    }

    /// Sets the base URL, such as that of a private TapTalk server. The default is `https://engine.taptalk.io/api`.
    ///
    /// Over `http:` the server key is sent unencrypted.
    ///
    /// # Errors
    /// If `url` is not `http://…` or `https://…`, or has credentials, a query or a fragment.
    pub fn base_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.exchange.uri = uri(url)?;
        Ok(self)
    }

    /// Sets the maximum size of a response's body. The default is 16 KiB.
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.exchange.answer_limit = bytes;
        self
    }

    /// Sets the deadline, from the request to the end of the response. The default is 4 s.
    ///
    /// The timer is tokio's.
    #[cfg(feature = "deadline")]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.exchange.deadline = Some(limit);
        self
    }

    /// Removes the deadline.
    ///
    /// It is for runtimes other than tokio, and for an HTTP client with a deadline of its own.
    #[cfg(feature = "deadline")]
    pub fn without_deadline(mut self) -> Self {
        self.exchange.deadline = None;
        self
    }

    /// Requests a ticket through a clone of the HTTP client, once the clone is ready.
    ///
    /// # Errors
    /// If there is no ticket, for any reason: see [`ClientErrorKind`](crate::taptalk::ClientErrorKind).
    pub async fn request_ticket<B>(&self, parameters: TicketParameters) -> Result<Ticket, ClientError>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>> + Clone,
        B: Body<Data: Send, Error: Into<BoxError>>,
    {
        let mut http = self.http.clone();
        let request = self.exchange.request(&parameters);
        let answer = async move {
            poll_fn(|cx| http.poll_ready(cx)).await?;
            http.call(request).await
        };
        self.exchange.ticket(answer).await
    }
}

impl<S, B> Service<TicketParameters> for Client<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>, Future: Send + 'static>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Ticket;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Ticket, ClientError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        self.http.poll_ready(cx).map_err(ClientError::transport)
    }

    fn call(&mut self, parameters: TicketParameters) -> Self::Future {
        let answer = self.http.call(self.exchange.request(&parameters));
        let exchange = self.exchange.clone();
        Box::pin(async move { exchange.ticket(answer).await })
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("uri", &self.exchange.uri).finish_non_exhaustive()
    }
}

impl Exchange {
    // Contract: TT-15.
    fn request(&self, parameters: &TicketParameters) -> Request<Full<Bytes>> {
        let mut wire = Request::new(Full::new(parameters.to_json()));
        *wire.method_mut() = Method::POST;
        *wire.uri_mut() = self.uri.clone();
        let json = HeaderValue::from_static("application/json");
        let user_agent = HeaderValue::from_static(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        wire.headers_mut().extend([
            (SERVER_KEY.clone(), self.server_key.clone()),
            (CONTENT_TYPE, json.clone()),
            (ACCEPT, json),
            (USER_AGENT, user_agent),
        ]);
        wire
    }

    async fn ticket<B, E>(&self, answer: impl Future<Output = Result<Response<B>, E>>) -> Result<Ticket, ClientError>
    where
        B: Body<Data: Send, Error: Into<BoxError>>,
        E: Into<BoxError>,
    {
        let ticket = async {
            let (head, body) = answer.await.map_err(ClientError::transport)?.into_parts();
            let body = read(Limited::new(body, self.answer_limit)).await;
            let body = body.map_err(|error| ClientError::body(head.status, error))?;
            match envelope::read::<TicketData>(&body) {
                // A good envelope under a bad HTTP status is not trusted.
                Ok(TicketData { user_id, ticket })
                    if head.status.is_success() && !user_id.is_empty() && !ticket.is_empty() =>
                {
                    Ok(Ticket::new(user_id, ticket))
                }
                Ok(_) | Err(EnvelopeError::Unreadable) => Err(ClientError::unreadable(head.status)),
                Err(EnvelopeError::Refused(error)) => Err(ClientError::refused(head.status, error)),
            }
        };
        let ticket = within(self.deadline, ticket);
        let panicked = |payload| Err(ClientError::transport(Failure::from_panic(payload)));
        AssertUnwindSafe(ticket).catch_unwind().await.unwrap_or_else(panicked)
    }
}

/// Reads the data of a body. It yields after every few frames, so that the deadline also ends a body of endless empty
/// frames.
async fn read(body: impl Body<Data: Send, Error = BoxError>) -> Result<Vec<u8>, BoxError> {
    let mut body = pin!(body);
    let mut data = Vec::new();
    for frame in 1.. {
        let Some(next) = body.frame().await else { break };
        if let Ok(mut part) = next?.into_data() {
            while part.has_remaining() {
                data.extend_from_slice(part.chunk());
                part.advance(part.chunk().len());
            }
        }
        if frame % FRAMES_AT_ONCE == 0 {
            pause().await;
        }
    }
    Ok(data)
}

/// Yields to the executor once.
async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(feature = "deadline")]
async fn within<T>(
    deadline: Option<Duration>,
    exchange: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let Some(limit) = deadline else { return exchange.await };
    let mut exchange = pin!(exchange);
    // An exchange that is ready at once needs no timer and no tokio runtime.
    match poll_immediate(exchange.as_mut()).await {
        Some(result) => result,
        None => tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| Err(ClientError::deadline_exceeded())),
    }
}

/// Without the feature `deadline`, there is no deadline.
#[cfg(not(feature = "deadline"))]
async fn within<T>(
    _: Option<Duration>,
    exchange: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    exchange.await
}

fn uri(base_url: &str) -> Result<Uri, ConfigError> {
    let valid = |base: &Uri| {
        matches!(base.scheme_str(), Some("http" | "https"))
            && base.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && !base_url.contains(['?', '#'])
    };
    match (base_url.parse(), format!("{}{PATH}", base_url.strip_suffix('/').unwrap_or(base_url)).parse()) {
        (Ok(base), Ok(uri)) if valid(&base) => Ok(uri),
        _ => Err(ConfigError::new(
            "the base URL of TapTalk must look like \"https://engine.taptalk.io/api\", without credentials or query",
        )),
    }
}

/// `data` of a good response.
#[derive(Deserialize)]
struct TicketData {
    #[serde(rename = "userID")]
    user_id: String,
    ticket: Secret,
}

#[cfg(test)]
mod tests;
