//! HTTP/1.1 and HTTP/2 connections that fail silently.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use hyper::service::service_fn;
use hyper_util::{rt::TokioIo, server::conn::auto};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::*;
use crate::{
    Secret,
    taptalk::{Profile, TicketParameters, UserPlatform},
};

const TICKET: &str =
    r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"6","ticket":"605b32dd"}}"#;

fn parameters() -> TicketParameters {
    TicketParameters::new(Profile::new("7", "Ann Example"), UserPlatform::Web, "1", "203.0.113.7", "curl")
}

/// A client that speaks HTTP/2 only.
fn http2() -> HttpsClient {
    let pools = HttpsClient::new().unwrap().pools;
    let Pools { mut builder, connector, .. } = Arc::into_inner(pools).unwrap();
    builder.http2_only(true);
    HttpsClient { pools: Arc::new(Pools::new(builder, connector)) }
}

fn client(http: HttpsClient, address: SocketAddr) -> Client<HttpsClient> {
    let client = Client::new(http, ApiKey::new("key-id", "605b32dd")).unwrap();
    client.base_url(&format!("http://{address}/api")).unwrap().deadline(Duration::from_secs(2))
}

/// A fake TapTalk behind a proxy that can go silent. It delays its first response.
struct TapTalk {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// Whether the existing connections stop forwarding, in both directions.
    silent: Arc<AtomicBool>,
}

impl TapTalk {
    async fn start(delay: Duration) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let behind = server.local_addr().unwrap();
        let first = Arc::new(AtomicBool::new(true));
        tokio::spawn(async move {
            while let Ok((stream, _)) = server.accept().await {
                let first = Arc::clone(&first);
                let service = service_fn(move |_: Request<Incoming>| {
                    let delay = if first.swap(false, SeqCst) { delay } else { Duration::ZERO };
                    async move {
                        sleep(delay).await;
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(TICKET)))
                    }
                });
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    // Errors are expected: the test breaks connections.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (connections, silent) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let taptalk = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::clone(&connections),
            silent: Arc::clone(&silent),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, SeqCst);
                let silent = if silent.load(SeqCst) { Arc::default() } else { Arc::clone(&silent) };
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = TcpStream::connect(behind).await.unwrap().into_split();
                tokio::spawn(pump(client_in, server_out, Arc::clone(&silent)));
                tokio::spawn(pump(server_in, client_out, silent));
            }
        });
        taptalk
    }
}

async fn pump(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, silent: Arc<AtomicBool>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !silent.load(SeqCst) && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_silent_connection_is_replaced() {
    for http in [HttpsClient::new().unwrap(), http2()] {
        let taptalk = TapTalk::start(Duration::ZERO).await;
        let client = client(http, taptalk.address);
        for _ in 0..3 {
            client.request_ticket(parameters()).await.unwrap();
        }
        assert_eq!(taptalk.connections.load(SeqCst), 1);

        taptalk.silent.store(true, SeqCst);
        let start = Instant::now();
        // The second request starts while the first one waits.
        let (first, second) = tokio::join!(client.request_ticket(parameters()), async {
            sleep(Duration::from_millis(1200)).await;
            let second = client.request_ticket(parameters()).await;
            (second, start.elapsed())
        });
        assert!(first.is_err(), "the first request is lost with its connection");
        assert!(second.0.is_ok() && second.1 < Duration::from_secs(2), "{second:?}");
        client.request_ticket(parameters()).await.unwrap();
        assert_eq!(taptalk.connections.load(SeqCst), 2);
    }
}

#[tokio::test]
async fn a_dropped_request_replaces_its_connection() {
    for http in [HttpsClient::new().unwrap(), http2()] {
        let taptalk = TapTalk::start(Duration::ZERO).await;
        let client = client(http, taptalk.address).deadline(Duration::from_millis(300));
        client.request_ticket(parameters()).await.unwrap();
        taptalk.silent.store(true, SeqCst);
        client.request_ticket(parameters()).await.unwrap_err();
        client.request_ticket(parameters()).await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_server_keeps_its_connection() {
    let taptalk = TapTalk::start(Duration::from_millis(1500)).await;
    let client = client(http2(), taptalk.address);
    let (first, others) = tokio::join!(client.request_ticket(parameters()), async {
        let mut others = Vec::new();
        for pause in [500, 700] {
            sleep(Duration::from_millis(pause)).await;
            others.push(client.request_ticket(parameters()).await);
        }
        others
    });
    assert!(first.is_ok() && others.iter().all(Result::is_ok));
    assert_eq!(taptalk.connections.load(SeqCst), 1);
}

/// A server that responds to one request per connection and closes the connection when another request arrives.
async fn closes_when_reused() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            tokio::spawn(async move {
                let mut request = Vec::new();
                stream.read_buf(&mut request).await?;
                let length = TICKET.len();
                stream
                    .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{TICKET}").as_bytes())
                    .await?;
                stream.read_buf(&mut request).await
            });
        }
    });
    (address, connections)
}

#[tokio::test]
async fn a_request_on_a_connection_that_is_just_closed_is_sent_again() {
    let (address, connections) = closes_when_reused().await;
    let client = client(HttpsClient::new().unwrap(), address);
    for _ in 0..5 {
        assert_eq!(client.request_ticket(parameters()).await.unwrap().ticket, Secret::from("605b32dd"));
    }
    assert_eq!(connections.load(SeqCst), 5);
}
