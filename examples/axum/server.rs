//! Serves the app over HTTP/1.1 and HTTP/2. `axum::serve` is simpler, but has no time limit for a request's head.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};
use tower::ServiceExt;
use tower_verify::PeerAddr;

/// Time limit for the head of a request, and for the first request of a connection.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stopping app waits for the requests that it is still answering.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn serve(listener: TcpListener, app: Router, stopped: impl Future<Output = ()>) {
    let (mut stopped, connections) = (pin!(stopped), GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        match accepted {
            Ok((stream, address)) => serve_connection(stream, address, app.clone(), &connections),
            // The process may have too many open files: wait for some to be closed.
            Err(error) => {
                eprintln!("no connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // New connections are refused from now on, instead of left to wait.
    drop(listener);
    let _ = timeout(PATIENCE, connections.shutdown()).await;
}

/// Completes when the process is asked to stop, by Ctrl-C or `SIGTERM`.
pub(crate) async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .expect("a process may handle SIGTERM");
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    drop(interrupted.await);
}

fn serve_connection(stream: TcpStream, address: SocketAddr, app: Router, connections: &GracefulShutdown) {
    let begun = Arc::new(Notify::new());
    let first_request = Arc::clone(&begun);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        begun.notify_one();
        // Endpoints find the address of the peer in this extension.
        request.extensions_mut().insert(PeerAddr(address));
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
    server.http2().timer(TokioTimer::new());
    let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        // An error means that the client hung up or was too slow.
        tokio::select! {
            _ = connection.as_mut() => {}
            // hyper-util waits without a limit for the bytes that tell HTTP/1.1 from HTTP/2.
            begun = timeout(HEADER_READ_TIMEOUT, first_request.notified()) => if begun.is_ok() {
                let _ = connection.await;
            }
        }
    });
}
