//! The client's result for everything that a server can do.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use http::StatusCode;
use serde_json::{Value, json};
use tower::{Service, ServiceBuilder, ServiceExt, retry::Policy};
use tower_verify::{
    BoxError,
    taptalk::{Client, ClientError, ClientErrorKind, Ticket, TicketParameters},
};

use crate::support::{Behaviour, GOOD, REFUSED, SERVER_KEY, TICKET, TapTalk, client, listen, parameters};

/// A deadline for servers that never answer. It is short to keep the tests fast.
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_good_answer_yields_a_ticket() {
    let taptalk = TapTalk::start([Behaviour::answers(200, GOOD)]).await;
    let ticket = taptalk.client().request_ticket(parameters()).await.unwrap();
    assert_eq!(ticket, Ticket::new("6", TICKET));

    let [request] = &taptalk.requests()[..] else { panic!("TapTalk was not called once") };
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/api/v1/server/auth_ticket/request"));
    assert_eq!(request.headers()["server-key"], SERVER_KEY);
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(
        serde_json::from_slice::<Value>(request.body()).unwrap(),
        json!({
            "userIPAddress": "203.0.113.9", "userAgent": "Acme/1.0", "userPlatform": "ios", "userDeviceID": "device-7",
            "xcUserID": "customer-7", "fullName": "Ada Lovelace",
        })
    );
}

/// All mishaps: the server's behaviour, the client's kind of error, and the HTTP status in the error.
fn mishaps(elsewhere: &TapTalk) -> Vec<(Behaviour, ClientErrorKind, Option<u16>)> {
    use Behaviour::{Closes, Redirects, Sends, SendsAndHangs, SendsForEver};
    use ClientErrorKind::{DeadlineExceeded, Refused, TooLarge, Transport, Unreadable};

    let answers = Behaviour::answers;
    let padded = format!("{GOOD:<width$}", width = 16 * 1024 + 1);
    let half = &GOOD[..GOOD.len() / 2];
    vec![
        (answers(200, REFUSED), Refused, Some(200)),
        (answers(400, REFUSED), Refused, Some(400)),
        (answers(401, REFUSED), Refused, Some(401)),
        (answers(500, REFUSED), Refused, Some(500)),
        (answers(401, ""), Unreadable, Some(401)),
        (answers(500, "<html>Bad Gateway</html>"), Unreadable, Some(500)),
        (answers(500, GOOD), Unreadable, Some(500)),
        (answers(204, ""), Unreadable, Some(204)),
        (answers(200, "garbage"), Unreadable, Some(200)),
        (answers(200, half), Unreadable, Some(200)),
        (answers(200, "{}"), Unreadable, Some(200)),
        (answers(200, &padded), TooLarge, Some(200)),
        (Redirects(elsewhere.base_url()), Unreadable, Some(307)),
        (Sends(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"status\":200,"), Transport, Some(200)),
        (Sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"), Transport, Some(200)),
        (Sends(b"HTTP/1.1 200 OK\r\ncontent-"), Transport, None),
        (Sends(b"SSH-2.0-OpenSSH_9.9\r\n"), Transport, None),
        (Sends(b""), Transport, None),
        (Closes, Transport, None),
        (SendsForEver(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\n    \r\n"), TooLarge, Some(200)),
        (SendsForEver(b"HTTP/1.1 200 OK\r\n\r\n", b"    "), TooLarge, Some(200)),
        (SendsAndHangs(b""), DeadlineExceeded, None),
        (SendsAndHangs(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"status\":200,"), DeadlineExceeded, None),
    ]
}

async fn each_mishap_is_a_typed_error<S>(client: impl Fn(&TapTalk) -> Client<S>)
where
    Client<S>: Service<TicketParameters, Response = Ticket, Error = ClientError>,
{
    let elsewhere = TapTalk::start([Behaviour::answers(200, GOOD)]).await;
    for (behaviour, kind, status) in mishaps(&elsewhere) {
        let taptalk = TapTalk::start([behaviour.clone()]).await;
        let mut client = client(&taptalk);
        if kind == ClientErrorKind::DeadlineExceeded {
            client = client.deadline(SHORT);
        }
        let error = client.oneshot(parameters()).await.unwrap_err();
        assert_eq!((error.kind(), error.http_status().map(|status| status.as_u16())), (kind, status), "{behaviour:?}");
        assert_eq!(error.api_error().map(|api| &*api.field), (kind == ClientErrorKind::Refused).then_some("105"));
        let shown = format!("{error} {error:?}");
        for secret in ["605b32dd", SERVER_KEY, TICKET] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert!(elsewhere.requests().is_empty(), "the server key went where a redirect pointed");
}

// Contract: TT-15.
#[tokio::test]
async fn each_mishap_is_a_typed_error_over_hyper() {
    each_mishap_is_a_typed_error(TapTalk::client).await;
}

#[cfg(feature = "https-client")]
mod over_https {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::support::server_key;

    #[tokio::test]
    async fn each_mishap_is_a_typed_error() {
        let client =
            |taptalk: &TapTalk| Client::over_https(server_key()).unwrap().base_url(&taptalk.base_url()).unwrap();
        super::each_mishap_is_a_typed_error(client).await;
    }

    #[tokio::test]
    async fn a_good_answer_yields_a_ticket_and_the_connection_is_used_again() {
        let taptalk = TapTalk::start([Behaviour::answers(200, GOOD), Behaviour::Closes]).await;
        let client = Client::over_https(server_key()).unwrap().base_url(&taptalk.base_url()).unwrap();
        for _ in 0..3 {
            assert_eq!(client.request_ticket(parameters()).await.unwrap(), Ticket::new("6", TICKET));
        }
    }

    /// The server key is not sent before the TLS handshake is done.
    #[tokio::test]
    async fn nothing_but_a_handshake_is_sent_to_a_server_without_tls() {
        let (listener, address) = listen().await;
        let client = Client::over_https(server_key()).unwrap().base_url(&format!("https://{address}/api")).unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = Vec::new();
            stream.read_buf(&mut sent).await.unwrap();
            sent
        };
        let (error, sent) = tokio::join!(client.request_ticket(parameters()), server);
        assert_eq!(error.unwrap_err().kind(), ClientErrorKind::Transport);
        let is_handshake_of_tls = sent.starts_with(&[22, 3]);
        assert!(is_handshake_of_tls && !sent.windows(10).any(|window| window.eq_ignore_ascii_case(b"server-key")));
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_transport_error() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = client(&format!("http://{address}/api")).request_ticket(parameters()).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ClientErrorKind::Transport, None::<StatusCode>));
    assert!(std::error::Error::source(&error).is_some());
}

/// A retry policy with this many retries. A refusal by TapTalk is not retried.
#[derive(Clone)]
pub(crate) struct Lives(pub(crate) usize);

impl Policy<TicketParameters, Ticket, ClientError> for Lives {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut TicketParameters, result: &mut Result<Ticket, ClientError>) -> Option<Ready<()>> {
        let again = |error: &ClientError| error.kind() != ClientErrorKind::Refused;
        self.0 = self.0.checked_sub(1)?;
        result.as_ref().is_err_and(again).then(|| ready(()))
    }

    fn clone_request(&mut self, parameters: &TicketParameters) -> Option<TicketParameters> {
        Some(parameters.clone())
    }
}

#[tokio::test]
async fn towers_retry_and_timeout_work_around_the_client() {
    let ask = async |behaviours: Vec<Behaviour>, lives| {
        let taptalk = TapTalk::start(behaviours).await;
        let client = taptalk.client().without_deadline();
        let timeout = if lives == 0 { SHORT } else { Duration::from_secs(60) };
        let client = ServiceBuilder::new().timeout(timeout).retry(Lives(lives)).service(client);
        let answer: Result<Ticket, BoxError> = client.oneshot(parameters()).await;
        (answer, taptalk.requests().len())
    };
    let kind = |answer: Result<Ticket, BoxError>| answer.unwrap_err().downcast::<ClientError>().unwrap().kind();
    let (good, broken) = (Behaviour::answers(200, GOOD), Behaviour::Closes);

    let (answer, asked) = ask(vec![broken.clone(), broken.clone(), good.clone()], 2).await;
    assert_eq!((answer.unwrap(), asked), (Ticket::new("6", TICKET), 1));
    let (answer, asked) = ask(vec![broken.clone(), broken, good.clone()], 1).await;
    assert_eq!((kind(answer), asked), (ClientErrorKind::Transport, 0));
    let (answer, asked) = ask(vec![Behaviour::answers(200, REFUSED), good], 2).await;
    assert_eq!((kind(answer), asked), (ClientErrorKind::Refused, 1));
    let (answer, _) = ask(vec![Behaviour::SendsAndHangs(b"")], 0).await;
    assert!(answer.unwrap_err().is::<tower::timeout::error::Elapsed>());
}
