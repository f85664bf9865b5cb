use std::{
    convert::Infallible,
    future::{Ready, ready},
    io,
    sync::Arc,
};

#[cfg(feature = "deadline")]
use futures_util::stream;
use http::StatusCode;
#[cfg(feature = "deadline")]
use http_body::Frame;
#[cfg(feature = "deadline")]
use http_body_util::{StreamBody, combinators::BoxBody};
use static_assertions::assert_impl_all;

use super::*;
use crate::{
    Contract,
    taptalk::{AuthTicketEndpoint, ClientErrorKind, Profile, UserPlatform},
};

assert_impl_all!(Client<Recorder>: Send, Sync, Clone, fmt::Debug);

/// An HTTP client that gives the same response to every request.
#[derive(Clone)]
struct Recorder {
    status: StatusCode,
    body: &'static str,
    ready: bool,
}

impl Recorder {
    fn new(body: &'static str) -> Self {
        Self { status: StatusCode::OK, body, ready: false }
    }
}

impl Service<Request<Full<Bytes>>> for Recorder {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "`call` must come after `poll_ready`");
        let mut response = Response::new(Full::from(self.body));
        *response.status_mut() = self.status;
        ready(Ok(response))
    }
}

const GOOD: &str = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"6","ticket":"t"}}"#;

fn key() -> ApiKey {
    ApiKey::new("key-id", "605b32dd:1")
}

fn parameters() -> TicketParameters {
    TicketParameters::new(Profile::new("customer-7", "Ada"), UserPlatform::Web, "device-7", "203.0.113.9", "Acme/1.0")
}

fn ask(http: Recorder) -> Result<Ticket, ClientError> {
    Client::new(http, key()).unwrap().request_ticket(parameters()).now_or_never().unwrap()
}

#[test]
fn the_endpoint_decodes_the_request_of_the_client() {
    let request = Client::new((), key()).unwrap().exchange.request(&parameters());
    let header = &request.headers()["server-key"];
    assert!(header.is_sensitive());
    assert_eq!(header, "a2V5LWlkOjYwNWIzMmRkOjE=");
    assert_eq!(request.method(), Method::POST);
    let (mut head, body) = request.into_parts();
    let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
    let decoded = AuthTicketEndpoint::new().decode(&mut head, body, &mut ()).unwrap();
    assert!(decoded.server_key.id == key().id && decoded.server_key.secret == key().secret);
    assert_eq!(decoded.parameters, parameters());
}

#[test]
fn a_ticket_needs_both_statuses_good_and_all_members() {
    assert_eq!(ask(Recorder::new(GOOD)).unwrap(), Ticket::new("6", "t"));
    let elsewhere = Recorder { status: StatusCode::INTERNAL_SERVER_ERROR, ..Recorder::new(GOOD) };
    let error = ask(elsewhere).unwrap_err();
    assert_eq!((error.kind(), error.http_status().unwrap().as_u16()), (ClientErrorKind::Unreadable, 500));
    for unreadable in [
        "",
        "<html>",
        r#"{"status":200,"data":{"userID":"6"}}"#,
        r#"{"status":200,"data":{"userID":"","ticket":"t"}}"#,
        r#"{"status":200,"data":{"userID":"6","ticket":""}}"#,
        r#"{"status":200,"data":{"userID":6,"ticket":"t"}}"#,
        r#"{"userID":"6","ticket":"t"}"#,
    ] {
        assert_eq!(ask(Recorder::new(unreadable)).unwrap_err().kind(), ClientErrorKind::Unreadable, "{unreadable}");
    }
}

#[test]
fn a_refusal_is_read_whatever_the_http_status() {
    const REFUSED: &str =
        r#"{"status":400,"error":{"code":"40002","message":"Param 'xcUserID' is required","field":"105"},"data":{}}"#;
    for status in [200, 400, 401, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = ask(Recorder { status, ..Recorder::new(REFUSED) }).unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (ClientErrorKind::Refused, Some(status)));
        let api = error.api_error().unwrap();
        assert_eq!((api.status, &*api.code, &*api.field), (400, "40002", "105"));
        assert_eq!(api.message, "Param 'xcUserID' is required");
    }
}

#[test]
fn the_limit_of_the_answer_is_inclusive() {
    let ask = |limit| {
        let client = Client::new(Recorder::new(GOOD), key()).unwrap().answer_limit(limit);
        client.request_ticket(parameters()).now_or_never().unwrap()
    };
    assert!(ask(GOOD.len()).is_ok());
    assert_eq!(ask(GOOD.len() - 1).unwrap_err().kind(), ClientErrorKind::TooLarge);
}

#[cfg(feature = "deadline")]
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_readiness_and_response() {
    #[derive(Clone)]
    struct Hangs {
        ready: bool,
    }

    impl Service<Request<Full<Bytes>>> for Hangs {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Pending<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if self.ready { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
            std::future::pending()
        }
    }

    for ready in [false, true] {
        let start = tokio::time::Instant::now();
        let client = Client::new(Hangs { ready }, key()).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(60), client.request_ticket(parameters())).await;
        let error = answer.expect("there is a deadline").unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (ClientErrorKind::DeadlineExceeded, None));
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }
    let start = tokio::time::Instant::now();
    let mut client = Client::new(Hangs { ready: true }, key()).unwrap().deadline(Duration::from_secs(1));
    assert_eq!(client.call(parameters()).await.unwrap_err().kind(), ClientErrorKind::DeadlineExceeded);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[cfg(feature = "deadline")]
#[tokio::test]
async fn the_deadline_ends_endless_frames_and_a_busy_future() {
    #[derive(Clone)]
    struct EndlessFrames;

    impl Service<Request<Full<Bytes>>> for EndlessFrames {
        type Response = Response<BoxBody<Bytes, Infallible>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
            let frames = stream::repeat_with(|| Ok(Frame::data(Bytes::new())));
            ready(Ok(Response::new(BodyExt::boxed(StreamBody::new(frames)))))
        }
    }

    #[derive(Clone)]
    struct Busy;

    impl Service<Request<Full<Bytes>>> for Busy {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
            Box::pin(async {
                loop {
                    tokio::task::consume_budget().await;
                }
            })
        }
    }

    async fn end<S, B>(http: S)
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
        B: Body<Data: Send, Error: Into<BoxError>>,
    {
        let client = Client::new(http, key()).unwrap().deadline(Duration::from_millis(50));
        let asked = tokio::time::timeout(Duration::from_secs(60), client.request_ticket(parameters()));
        let error = asked.await.expect("there is a deadline").unwrap_err();
        assert_eq!(error.kind(), ClientErrorKind::DeadlineExceeded);
    }

    end(EndlessFrames).await;
    end(Busy).await;
}

#[test]
fn invalid_keys_and_base_urls_are_refused() {
    for (id, secret) in [("", "605b32dd"), ("605b32dd", ""), ("605b:32dd", "605b32dd")] {
        let error = Client::new((), ApiKey::new(id, secret)).unwrap_err();
        assert!(!error.to_string().contains("605b"));
    }
    let base_url = |url: &str| Client::new((), key()).unwrap().base_url(url).map(|client| client.exchange.uri);
    for url in [
        "",
        "/api",
        "engine.taptalk.io",
        "engine.taptalk.io/api",
        "ftp://engine.taptalk.io",
        "https://",
        "https:///api",
        "https://id:secret@engine.taptalk.io",
        "https://engine.taptalk.io/api?x=",
        "https://engine.taptalk.io/#",
        "https://engine.taptalk.io/a pi",
    ] {
        assert!(base_url(url).is_err(), "{url}");
    }
    for url in ["http://[::1]:8080/api", "http://[::1]:8080/api/"] {
        assert_eq!(base_url(url).unwrap(), "http://[::1]:8080/api/v1/server/auth_ticket/request");
    }
    assert_eq!(base_url("https://chat.example.com").unwrap().path(), PATH);
}

#[test]
fn neither_key_nor_ticket_is_shown() {
    const ECHO: &str = r#"{"status":200,"error":{},"data":"605b32dd"}"#;
    let client = Client::new(Recorder::new(ECHO), key()).unwrap();
    let error = client.request_ticket(parameters()).now_or_never().unwrap().unwrap_err();
    let request = client.exchange.request(&parameters());
    for shown in [format!("{client:?}"), format!("{error:?} {error}"), format!("{request:?}")] {
        assert!(!shown.contains("605b") && !shown.contains("a2V5"), "{shown}");
    }
}

#[test]
fn an_error_of_the_http_client_is_its_source() {
    #[derive(Clone)]
    struct Away(Arc<io::Error>);

    impl Service<Request<Full<Bytes>>> for Away {
        type Response = Response<Full<Bytes>>;
        type Error = Arc<io::Error>;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Err(Arc::clone(&self.0)))
        }

        fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
            unreachable!("it is never ready")
        }
    }

    let client = Client::new(Away(Arc::new(io::ErrorKind::ConnectionRefused.into())), key()).unwrap();
    let error = client.request_ticket(parameters()).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Transport);
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection refused");
    assert!(error.api_error().is_none());
}
