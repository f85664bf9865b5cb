use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};
use tower::{Layer, ServiceExt};
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    verifier_fn,
};

/// The time limits of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For the head of a request, and for the first request of a connection.
    pub(crate) head: Duration,
    /// For reading and verifying.
    pub(crate) deadline: Duration,
}

/// A server with the settings that the guide's chapter `production` recommends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    limits: Limits,
    open: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn bind(limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { address: listener.local_addr()?, listener, limits, open: Arc::default() })
    }

    /// The number of open connections.
    pub(crate) fn open(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.open)
    }

    /// Serves for ever.
    pub(crate) async fn serve(self) {
        let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
            let good = request.body().dlg_token == "2121sa";
            Ok::<_, BoxError>(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
        });
        let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier).deadline(self.limits.deadline);
        let app = layer.layer(tower::service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("the app")))
        }));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (app, open, limits) = (app.clone(), self.open(), self.limits);
            open.fetch_add(1, SeqCst);
            tokio::spawn(async move {
                let begun = Arc::new(Notify::new());
                let service = service_fn({
                    let begun = Arc::clone(&begun);
                    move |request| {
                        begun.notify_one();
                        app.clone().oneshot(request)
                    }
                });
                serve_connection(stream, limits.head, begun, service).await;
                open.fetch_sub(1, SeqCst);
            });
        }
    }
}

/// Serves a connection, as the guide does. `begun` is notified of each request.
async fn serve_connection<S, F, B>(stream: TcpStream, head: Duration, begun: Arc<Notify>, service: S)
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future = F>,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(head);
    server.http2().timer(TokioTimer::new());
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        first = timeout(head, begun.notified()) => if first.is_ok() {
            let _ = connection.await;
        }
    }
}
