//! hyper 1 over real TCP: HTTP/1.1 and HTTP/2, good and bad input on one connection, bodies that come late or never.

use std::{convert::Infallible, io};

use bytes::Bytes;
use futures::stream;
use http::{Request, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    client::conn::{http1, http2},
    server,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::ServiceBuilder;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    verifier_fn,
};

use crate::support::{
    APP, Answer, GOOD, MALFORMED, PATIENCE, UNKNOWN, app, app_call, counted_customer, customer, listen, partner_call,
    send, serve,
};

/// Enough for a call, and small enough that one packet can exceed it.
const BODY_LIMIT: usize = 128;

fn layered<E, V>(
    layer: VerifyLayer<E, V>,
) -> impl tower::Service<
    Request<hyper::body::Incoming>,
    Response = http::Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static
where
    E: tower_verify::Endpoint,
    V: tower_verify::Verifier<E::Credential>,
{
    ServiceBuilder::new().layer(layer.body_limit(BODY_LIMIT)).service_fn(app)
}

type CallBody = BoxBody<Bytes, io::Error>;

fn whole(body: &'static str) -> CallBody {
    Full::from(body).map_err(|never| match never {}).boxed()
}

/// A body whose length is not announced: `body` in pieces of `size` bytes.
fn in_pieces(body: impl Into<Bytes>, size: usize) -> CallBody {
    let body = body.into();
    let pieces: Vec<_> = body.chunks(size).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    StreamBody::new(stream::iter(pieces)).boxed()
}

/// The bodies that are sent on one connection, each with the word of its response.
fn calls() -> Vec<(CallBody, &'static str)> {
    let exactly = format!("{GOOD:<BODY_LIMIT$}");
    let over = format!("{GOOD:<width$}", width = BODY_LIMIT + 1);
    vec![
        (whole(GOOD), "Validated"),
        (whole(MALFORMED), "BadRequest"),
        (in_pieces(GOOD, 7), "Validated"),
        (whole(""), "BadRequest"),
        (in_pieces(UNKNOWN, 1), "InvalidToken"),
        (in_pieces(&b"\xff"[..], 1), "BadRequest"),
        (in_pieces(exactly, BODY_LIMIT), "Validated"),
        (in_pieces(over, BODY_LIMIT), "BadRequest"),
        (whole(GOOD), "Validated"),
    ]
}

fn call(body: CallBody) -> Request<CallBody> {
    let (head, ()) = Request::post("/checkauthtoken").header("host", "localhost").body(()).unwrap().into_parts();
    Request::from_parts(head, body)
}

#[tokio::test]
async fn good_and_bad_calls_on_one_http1_connection() {
    let stream = TcpStream::connect(serve(layered(customer())).await).await.unwrap();
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (body, word) in calls() {
        client.ready().await.unwrap();
        let response = client.send_request(call(body)).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_11);
        let answer = Answer::of(response).await;
        answer.is_word(word);
        assert_eq!(answer.headers["content-length"], word.len().to_string());

        client.ready().await.unwrap();
        let (head, _) = app_call::<String>().into_parts();
        Answer::of(client.send_request(Request::from_parts(head, whole(""))).await.unwrap()).await.is(200, APP);
    }
}

#[tokio::test]
async fn good_and_bad_calls_on_one_http2_connection() {
    let stream = TcpStream::connect(serve(layered(customer())).await).await.unwrap();
    let (client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    // All calls at once: each gets the same response as a call alone.
    let answers = calls().into_iter().map(|(body, word)| {
        let mut client = client.clone();
        async move {
            let request = Request::post("http://localhost/checkauthtoken").body(body).unwrap();
            let response = client.send_request(request).await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            Answer::of(response).await.is_word(word);
        }
    });
    futures::future::join_all(answers).await;
}

/// Writes only `bytes`, then reads until the text ends with `end`.
async fn write_and_read_until(stream: &mut TcpStream, bytes: &[u8], end: &str) -> String {
    stream.write_all(bytes).await.unwrap();
    let mut text = String::new();
    let read = async {
        while !text.ends_with(end) {
            let mut piece = [0; 1024];
            let length = stream.read(&mut piece).await.unwrap();
            assert_ne!(length, 0, "the connection ended after {text:?}");
            text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the call is answered");
    text
}

fn announced(length: usize) -> String {
    format!("POST /checkauthtoken HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_when_it_is_announced() {
    let mut stream = TcpStream::connect(serve(layered(customer())).await).await.unwrap();
    let answer = write_and_read_until(&mut stream, announced(BODY_LIMIT + 1).as_bytes(), "BadRequest").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_is_refused_as_soon_as_it_is_over_the_limit() {
    let mut stream = TcpStream::connect(serve(layered(customer())).await).await.unwrap();
    let size = BODY_LIMIT + 1;
    // The last chunk, of size 0, is never sent.
    let call = format!(
        "POST /checkauthtoken HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n{GOOD:<size$}\r\n"
    );
    let answer = write_and_read_until(&mut stream, call.as_bytes(), "BadRequest").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[cfg(feature = "deadline")]
#[tokio::test]
async fn a_client_that_goes_silent_is_answered_at_the_deadline() {
    use std::time::Duration;

    use futures::{SinkExt, channel::mpsc};

    let (layer, asked) = counted_customer();
    let address = serve(layered(layer.deadline(Duration::from_millis(20)))).await;
    let half = &GOOD[..GOOD.len() / 2];

    let mut stream = TcpStream::connect(address).await.unwrap();
    let call = announced(GOOD.len()) + half;
    let answer = write_and_read_until(&mut stream, call.as_bytes(), "InternalError").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (mut sender, body) = mpsc::channel(1);
    sender.send(Ok::<_, io::Error>(Frame::data(Bytes::from_static(half.as_bytes())))).await.unwrap();
    let request = Request::post("http://localhost/checkauthtoken").body(StreamBody::new(body)).unwrap();
    let response = tokio::time::timeout(PATIENCE, client.send_request(request)).await.unwrap().unwrap();
    Answer::of(response).await.is_word("InternalError");
    drop(sender);

    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_does_no_harm() {
    let (layer, asked) = counted_customer();
    let service = layered(layer);
    let (listener, address) = listen().await;

    let hang_up = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // All but the last byte, a space. The bytes sent are a whole call, but the body is not complete.
        stream.write_all((announced(GOOD.len() + 1) + GOOD).as_bytes()).await.unwrap();
        drop(stream);
    };
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service.clone());
        // The result does not matter. The connection must end.
        let _ = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(hang_up, serve) }).await.expect("the connection ends");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);

    send(crate::support::serve(service.clone()).await, partner_call(GOOD)).await.is_word("Validated");
}

#[tokio::test]
async fn an_http2_stream_that_is_reset_in_the_middle_does_no_harm() {
    let (layer, asked) = counted_customer();
    let stream = TcpStream::connect(serve(layered(layer)).await).await.unwrap();
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);

    let frames = [Ok(Frame::data(Bytes::from_static(GOOD.as_bytes()))), Err(io::Error::other("the client gave up"))];
    let body = StreamBody::new(stream::iter(frames)).boxed();
    let request = Request::post("http://localhost/checkauthtoken").body(body).unwrap();
    // The response and the reset race with each other, and either may win.
    let _ = tokio::time::timeout(PATIENCE, client.send_request(request)).await.expect("the stream ends");

    let request = Request::post("http://localhost/checkauthtoken").body(whole(GOOD)).unwrap();
    Answer::of(client.send_request(request).await.unwrap()).await.is_word("Validated");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

/// As in the README: the service is served in tasks, and the verifier is a closure whose error is a `BoxError`.
#[tokio::test]
async fn a_closure_with_a_boxed_error_is_served_in_a_task() {
    let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
        if request.body().dlg_token.is_empty() {
            Err(BoxError::from("there is no token"))?
        }
        Ok::<_, BoxError>(CustomerVerdict::Validated)
    });
    let verify = VerifyLayer::new(CustomerEndpoint::new(), verifier);
    let service = ServiceBuilder::new().layer(verify).service_fn(app);
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
        })
        .await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Answer::of(sender.send_request(partner_call::<Full<Bytes>>(GOOD)).await.unwrap()).await.is(200, "Validated");
    drop((sender, serving));
}
