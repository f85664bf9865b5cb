//! The HTTP client: hyper-util's, with a time limit for each call. With the feature `https-client` it speaks TLS.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::net::TcpStream;
use tower::{Service, ServiceBuilder};
use tower_verify::BoxError;

/// Time limit for one answer. No platform waits longer.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(feature = "https-client")]
type Connector = hyper_rustls::HttpsConnector<hyper_util::client::legacy::connect::HttpConnector>;
#[cfg(not(feature = "https-client"))]
type Connector = hyper_util::client::legacy::connect::HttpConnector;

pub(crate) fn client()
-> Result<impl Service<Request<Full<Bytes>>, Response = Response<Incoming>, Error = BoxError>, BoxError> {
    // A connection for each call: a server may close one behind an answer to a body that it did not read.
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build::<_, Full<Bytes>>(connector()?);
    Ok(ServiceBuilder::new().timeout(PATIENCE).service(client))
}

#[cfg(feature = "https-client")]
fn connector() -> Result<Connector, BoxError> {
    let provider = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?;
    Ok(provider.https_or_http().enable_http1().build())
}

#[cfg(not(feature = "https-client"))]
fn connector() -> Result<Connector, BoxError> {
    Ok(Connector::new())
}

/// An error if there is no server at `base_url`, or none that this client can speak to.
pub(crate) async fn assert_reachable(base_url: &str) -> Result<(), BoxError> {
    let url: Uri = base_url.parse().map_err(|error| format!("{base_url}: {error}"))?;
    let port = match url.scheme_str() {
        Some("http") => 80,
        Some("https") if cfg!(feature = "https-client") => 443,
        Some("https") => return Err(format!("{base_url}: add `--features https-client` for https").into()),
        _ => return Err(format!("{base_url}: the URL must begin with http://").into()),
    };
    let host = url.host().ok_or("the URL has no host")?.trim_matches(['[', ']']);
    let connecting = TcpStream::connect((host, url.port_u16().unwrap_or(port)));
    let connected =
        tokio::time::timeout(PATIENCE, connecting).await.map_err(|_| format!("{base_url}: no connection"))?;
    connected.map(drop).map_err(|error| format!("{base_url}: {error}").into())
}
