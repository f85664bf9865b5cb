//! Going to production: a checklist.
//!
//! # In front of the app
//!
//! * **TLS.** The platform calls over the internet, and the body is a credential. Serve the endpoints over HTTPS alone.
//! * **Nothing gets past the proxy.** The app listens on `127.0.0.1` or on a private network:
//!   [`proxies`](super::proxies).
//! * **Logs without credentials.** No proxy logs a query or a body. Diyalog's agent token and TapTalk's access token of
//!   `/connect` stand in the query.
//! * **CORS** only for what browsers call: TapTalk's web SDK does, [with these headers](crate::taptalk#cors). Backends
//!   and platforms need none.
//! * **Error pages and fallbacks** never have the status that a platform reads as admitted.
//!
//! # The server
//!
//! * **A time limit for the head of a request, and for the first request of a connection.** The layer's deadline begins
//!   when the head has arrived. `axum::serve` sets no limit for it; hyper-util's server does, if it has a timer. But
//!   hyper-util waits without a limit for the bytes that tell HTTP/1.1 from HTTP/2, so a client that sends nothing keeps
//!   its connection:
//!
//!   ```
//!   use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
//!
//!   use axum::Router;
//!   use hyper::{body::Incoming, service::service_fn};
//!   use hyper_util::{
//!       rt::{TokioExecutor, TokioIo, TokioTimer},
//!       server::{conn::auto, graceful::GracefulShutdown},
//!   };
//!   use tokio::{net::TcpStream, sync::Notify, time::timeout};
//!   use tower::ServiceExt;
//!   use tower_verify::PeerAddr;
//!
//!   const PATIENCE: Duration = Duration::from_secs(10);
//!
//!   fn serve_connection(stream: TcpStream, address: SocketAddr, app: Router, connections: &GracefulShutdown) {
//!       let begun = Arc::new(Notify::new());
//!       let first_request = Arc::clone(&begun);
//!       let service = service_fn(move |mut request: hyper::Request<Incoming>| {
//!           begun.notify_one();
//!           request.extensions_mut().insert(PeerAddr(address)); // for observers and throttles
//!           let app = app.clone();
//!           async move { Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_else(|never| match never {})) }
//!       });
//!       let mut server = auto::Builder::new(TokioExecutor::new());
//!       server.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
//!       server.http2().timer(TokioTimer::new());
//!       let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
//!       let connection = connections.watch(connection);
//!       tokio::spawn(async move {
//!           let mut connection = pin!(connection);
//!           tokio::select! {
//!               _ = connection.as_mut() => {}
//!               begun = timeout(PATIENCE, first_request.notified()) => if begun.is_ok() {
//!                   let _ = connection.await;
//!               }
//!           }
//!       });
//!   }
//!   # tokio::runtime::Runtime::new().unwrap().block_on(async {
//!   # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!   # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//!   # let mut client = TcpStream::connect(listener.local_addr()?).await?;
//!   # let (stream, address) = listener.accept().await?;
//!   # let app = Router::new().fallback(|axum::Extension(PeerAddr(address)): axum::Extension<PeerAddr>| async move {
//!   #     address.ip().to_string()
//!   # });
//!   # let connections = GracefulShutdown::new();
//!   # serve_connection(stream, address, app, &connections);
//!   # client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
//!   # let mut answer = String::new();
//!   # client.read_to_string(&mut answer).await?;
//!   # assert!(answer.ends_with("127.0.0.1"), "{answer}");
//!   # connections.shutdown().await;
//!   # Ok::<(), std::io::Error>(()) }).unwrap();
//!   ```
//!
//! * **A graceful end.** On SIGTERM: stop accepting, let the calls under way end (`connections.shutdown()`), and give
//!   up after some seconds more than the layer's deadline. `examples/axum/server.rs` is whole.
//! * **A limit of open files** (`ulimit -n`) that suits the number of connections. The layer bounds the memory of
//!   bodies, the host bounds connections. After its first request, a client can keep a connection of HTTP/2 open and
//!   idle: limit the connections of an address in front of the app.
//!
//! # The layer
//!
//! | check | default | more |
//! |---|---|---|
//! | the [deadline](crate::VerifyLayer::deadline) is shorter than the platform's patience, and longer than your database's timeouts | 5 s | [`verifiers`](super::verifiers) |
//! | the [body limit](crate::VerifyLayer::body_limit) suits the platform's requests | 16 KiB, a guard's 1 MiB | |
//! | the [buffer limit](crate::VerifyLayer::buffer_limit) suits the machine's memory | 64 MiB an endpoint or guard | |
//! | the [caller's secret](crate::CallerSecret) is required, if the platform can send one | none | [`rotation`](super::rotation) |
//! | the [client's address](crate::ClientAddr) is that of the client: look at one line of the log | the connection's | [`proxies`](super::proxies) |
//! | guesses are [throttled](crate::policy::Throttle): by principal where a credential can be guessed, by caller where it cannot | no throttle | |
//! | the [observers](crate::observe) are set, on guards too | none | [`observing`](super::observing) |
//! | the layer is the last one of the router: call the endpoint through the real server once | | [`mounting`](super::mounting) |
//!
//! # Keys and state
//!
//! * **The keys come from your secret store**, at least 256 random bits each, and are the same on all nodes. A node
//!   that has `KeyRing::generate()` in production denies the others' tokens.
//! * **A backup of the key ring**, or the decision that everybody logs in again.
//! * **The store** is the one that [`nodes`](super::nodes) recommends: Redis with `noeviction`, a password, and
//!   `rediss://` (feature `redis-tls`); PostgreSQL's table is made by your migrations.
//! * **The clocks** are synchronized by NTP, and an alert fires when they are not.
//! * **A rotation was rehearsed**, of a key and of the caller's secret: [`rotation`](super::rotation).
//!
//! # Before the partner is told
//!
//! * A good credential is admitted through the public name, and a bad one is not.
//! * With the database stopped, a good credential is **not** admitted, and the alert fires.
//! * The log of both has no credential in it: search it for the ones that you sent.
//! * The partner's own test of a wrong credential is refused on *their* side: no other test shows how they read your
//!   answer.
