use std::{
    fmt,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::crypto::ring;
use tower_service::Service;

use crate::ConfigError;
use crate::taptalk::{ApiKey, Client};

type Pool = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// An HTTP client for [`Client`]: hyper-util's pool of connections, over rustls with *ring* and Mozilla's root
/// certificates (`webpki-roots`).
///
/// It speaks HTTP/1.1 and HTTP/2, over `http:` too. Clones share the connections. It follows no redirect. It does not
/// depend on the process's default crypto provider.
#[derive(Clone)]
pub struct HttpsClient {
    pool: Pool,
}

impl HttpsClient {
    /// A client without connections as yet.
    ///
    /// # Errors
    /// If rustls does not accept the crypto provider.
    pub fn new() -> Result<Self, ConfigError> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(ring::default_provider())
            .map_err(|error| ConfigError::new(format!("there is no TLS: {error}")))?
            .https_or_http()
            .enable_all_versions()
            .build();
        let pool = legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { pool })
    }
}

impl Service<Request<Full<Bytes>>> for HttpsClient {
    type Response = <Pool as Service<Request<Full<Bytes>>>>::Response;
    type Error = legacy::Error;
    type Future = legacy::ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), legacy::Error>> {
        self.pool.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> legacy::ResponseFuture {
        self.pool.call(request)
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsClient").finish_non_exhaustive()
    }
}

impl Client<HttpsClient> {
    /// A client with an HTTP client of its own: an [`HttpsClient`]. It has to be called within a tokio runtime.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn over_https(server_key: ApiKey) -> Result<Self, ConfigError> {
        Self::new(HttpsClient::new()?, server_key)
    }
}
