//! tonic 0.14: gRPC passes through, trailers and streams included, and the partner is answered on the same port.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::net::TcpStream;
use tonic::{
    Code,
    body::Body,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_check_response, health_client::HealthClient},
    server::{HealthReporter, health_reporter},
};

use tower::util::MapResponseLayer;
use tower_verify::layer::ResponseBody;

use crate::support::{Answer, GOOD, MALFORMED, PARTNER_PATH, UNKNOWN, customer, listen, partner_call, send};

const SERVICE: &str = "bank.Accounts";

async fn serve(accept_http1: bool) -> (SocketAddr, HealthReporter) {
    let (listener, address) = listen().await;
    let (reporter, health) = health_reporter();
    reporter.set_service_status(SERVICE, ServingStatus::Serving).await;
    let server = Server::builder()
        .accept_http1(accept_http1)
        .layer(customer())
        .layer(MapResponseLayer::new(|response: Response<Body>| response.map(ResponseBody::new)))
        .add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    (address, reporter)
}

async fn health_client(address: SocketAddr) -> HealthClient<Channel> {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    HealthClient::new(channel)
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

const SERVING: i32 = health_check_response::ServingStatus::Serving as i32;
const NOT_SERVING: i32 = health_check_response::ServingStatus::NotServing as i32;

#[tokio::test]
async fn grpc_and_the_partner_share_a_port() {
    let (address, _reporter) = serve(true).await;
    let mut client = health_client(address).await;
    for (body, word) in [(GOOD, "Validated"), (UNKNOWN, "InvalidToken"), (MALFORMED, "BadRequest")] {
        assert_eq!(client.check(about(SERVICE)).await.unwrap().into_inner().status, SERVING);
        assert_eq!(client.check(about("unknown")).await.unwrap_err().code(), Code::NotFound);
        send(address, partner_call(body)).await.is_word(word);
    }
}

#[tokio::test]
async fn a_streaming_call_passes_through() {
    let (address, reporter) = serve(true).await;
    let mut statuses = health_client(address).await.watch(about(SERVICE)).await.unwrap().into_inner();
    assert_eq!(statuses.message().await.unwrap().unwrap().status, SERVING);
    send(address, partner_call(GOOD)).await.is_word("Validated");
    reporter.set_service_status(SERVICE, ServingStatus::NotServing).await;
    assert_eq!(statuses.message().await.unwrap().unwrap().status, NOT_SERVING);
}

async fn send_http2(
    address: SocketAddr,
    path: &str,
    content_type: &str,
    body: &'static [u8],
) -> Response<hyper::body::Incoming> {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let request = Request::post(format!("http://{address}{path}")).header("content-type", content_type);
    client.request(request.body(Full::new(Bytes::from_static(body))).unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_trailers_of_a_grpc_response_arrive() {
    let (address, _reporter) = serve(true).await;
    // An empty message: the five bytes of its frame's header.
    let response = send_http2(address, "/grpc.health.v1.Health/Check", "application/grpc", &[0; 5]).await;
    let answer = Answer::of(response).await;
    assert_eq!(answer.body, "\0\0\0\0\u{2}\u{8}\u{1}");
    assert_eq!(answer.trailers.expect("gRPC has trailers")["grpc-status"], "0");
}

#[tokio::test]
async fn without_http1_only_partners_that_speak_http2_are_answered() {
    let (address, _reporter) = serve(false).await;
    Answer::of(send_http2(address, PARTNER_PATH, "application/json", GOOD.as_bytes()).await).await.is_word("Validated");

    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    assert!(client.send_request(partner_call::<String>(GOOD)).await.is_err());
}
