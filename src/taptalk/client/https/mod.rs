use std::{
    error::Error,
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::crypto::ring;
use tokio::time::{Instant, timeout};
use tower_service::Service;

use crate::taptalk::{ApiKey, Client};
use crate::{BoxError, ConfigError};

type Pool = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How long a request may go without any response on any connection before the connections are presumed dead.
const SILENCE: Duration = Duration::from_secs(1);

/// Interval of HTTP/2 `PING`s, and idle time before the first TCP keep-alive probe.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Time limit of connecting, and of the response to a `PING`.
const LIMIT: Duration = Duration::from_secs(2);

/// An HTTP client for [`Client`]: hyper-util's pool of connections, over rustls.
///
/// The crypto provider is *ring*, whatever the process's default is, and the root certificates are Mozilla's
/// (`webpki-roots`). The client speaks HTTP/1.1 and HTTP/2, over `http:` too. It follows no redirects. Clones share the
/// connections.
///
/// Connections that fail silently are replaced: HTTP/2 connections get a `PING` every 10 s, even while idle. If there
/// is no response for a second, or if a request is dropped before its response, the next request opens a new
/// connection. A request is sent once more if its connection was closed before the response began, so **the server must
/// tolerate a repeated request**. TapTalk does: it issues another ticket.
///
/// It needs a tokio runtime.
///
/// ```no_run
/// use std::env;
///
/// use tower_verify::{
///     BoxError,
///     taptalk::{ApiKey, Client, HttpsClient, Profile, TicketParameters, UserPlatform},
/// };
///
/// #[tokio::main]
/// async fn main() -> Result<(), BoxError> {
///     let key = ApiKey::new(env::var("TAPTALK_KEY_ID")?, env::var("TAPTALK_KEY_SECRET")?);
///     let client = Client::new(HttpsClient::new()?, key)?; // or `Client::over_https(key)?`, which is the same
///     let ada = Profile::new("customer-7", "Ada Lovelace");
///     let parameters = TicketParameters::new(ada, UserPlatform::Ios, "device-7", "203.0.113.9", "Acme/1.0");
///     let ticket = client.request_ticket(parameters).await?;
///     println!("TapTalk calls the user {}", ticket.user_id);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct HttpsClient {
    pools: Arc<Pools>,
}

impl HttpsClient {
    /// A client without connections.
    ///
    /// # Errors
    /// If rustls does not accept the crypto provider.
    pub fn new() -> Result<Self, ConfigError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(LIMIT));
        tcp.set_keepalive(Some(KEEPALIVE));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(LIMIT));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(ring::default_provider())
            .map_err(|error| ConfigError::new(format!("rustls does not accept the crypto provider: {error}")))?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_keep_alive_interval(KEEPALIVE)
            .http2_keep_alive_timeout(LIMIT)
            .http2_keep_alive_while_idle(true);
        Ok(Self { pools: Arc::new(Pools::new(builder, connector)) })
    }
}

/// The current pool of connections.
///
/// When a connection fails silently, the whole pool is replaced, because a single connection cannot be removed from it.
struct Pools {
    builder: legacy::Builder,
    connector: HttpsConnector<HttpConnector>,
    present: Mutex<Present>,
}

struct Present {
    /// The number of earlier pools.
    number: u64,
    pool: Pool,
    /// The time of the last response.
    answered_at: Instant,
}

impl Pools {
    fn new(builder: legacy::Builder, connector: HttpsConnector<HttpConnector>) -> Self {
        let pool = builder.build(connector.clone());
        Self { builder, connector, present: Mutex::new(Present { number: 0, pool, answered_at: Instant::now() }) }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, legacy::Error> {
        let (number, pool) = {
            let present = self.present();
            (present.number, present.pool.clone())
        };
        let mut waiting = Waiting { pools: self, number, since: Instant::now(), answered: false };
        let mut sending = pin!(pool.request(request));
        let result = match timeout(SILENCE, &mut sending).await {
            Ok(result) => result,
            Err(_) => {
                waiting.suspect();
                sending.await
            }
        };
        waiting.answered = result.is_ok();
        result
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits for its response. If it is dropped before, its pool is suspect.
struct Waiting<'a> {
    pools: &'a Pools,
    number: u64,
    since: Instant,
    answered: bool,
}

impl Waiting<'_> {
    /// Replaces the pool, if it is still the current one and had no response since the request was sent.
    fn suspect(&self) {
        let mut present = self.pools.present();
        if present.number == self.number && present.answered_at <= self.since {
            present.number += 1;
            present.pool = self.pools.builder.build(self.pools.connector.clone());
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.answered {
            self.pools.present().answered_at = Instant::now();
        } else {
            self.suspect();
        }
    }
}

/// Whether the connection was closed before the response began.
fn is_closed(error: &legacy::Error) -> bool {
    let hyper = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    hyper.is_some_and(|error| {
        error.is_incomplete_message() || error.is_canceled() || error.is_closed() || error.is_timeout()
    })
}

impl Service<Request<Full<Bytes>>> for HttpsClient {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let pools = Arc::clone(&self.pools);
        Box::pin(async move {
            let again = request.clone();
            match pools.send(request).await {
                Err(error) if is_closed(&error) => Ok(pools.send(again).await?),
                result => Ok(result?),
            }
        })
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsClient").finish_non_exhaustive()
    }
}

impl Client<HttpsClient> {
    /// A client over a new [`HttpsClient`]. It must be called within a tokio runtime.
    ///
    /// # Errors
    /// As [`Client::new`] and [`HttpsClient::new`].
    pub fn over_https(server_key: ApiKey) -> Result<Self, ConfigError> {
        Self::new(HttpsClient::new()?, server_key)
    }
}

#[cfg(test)]
mod tests;
