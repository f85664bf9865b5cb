use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::{
    demo, envoy_grpc,
    envoy_messages::{Attributes, CheckRequest, CheckResponse, ClientRequest, HttpRequest},
    forward_auth::ForwardAuth,
};

fn message(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let headers = headers.chain([(":path".to_owned(), path.to_owned()), (":method".to_owned(), "GET".to_owned())]);
    let http = HttpRequest { method: "GET".to_owned(), headers: headers.collect(), path: path.to_owned() };
    let request = Some(ClientRequest { http: Some(http) });
    CheckRequest { attributes: Some(Attributes { request }) }.encode_to_vec()
}

/// The answer to a message, under tonic's router, or the number of gRPC's status if there is no message.
async fn ask(message: &[u8]) -> Result<CheckResponse, String> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len().try_into().unwrap());
    frame.put_slice(message);
    let request =
        Request::post("/envoy.service.auth.v3.Authorization/Check").header("content-type", "application/grpc");
    let request = request.header("te", "trailers").body(Full::from(frame.freeze())).unwrap();
    let routes = Routes::from(envoy_grpc::router(demo::layer(ForwardAuth)));
    let (head, body) = routes.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().unwrap_or(&head.headers);
    let status = trailers["grpc-status"].to_str().unwrap().to_owned();
    let mut frame: Bytes = body.to_bytes();
    if status != "0" {
        assert!(frame.is_empty());
        return Err(status);
    }
    assert_eq!((frame.get_u8(), frame.get_u32() as usize), (0, frame.len()));
    Ok(CheckResponse::decode(frame).unwrap())
}

/// As Envoy reads it: a message whose status is 0, or missing.
fn admits(response: &CheckResponse) -> bool {
    response.status.as_ref().is_none_or(|status| status.code == 0)
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let bearer = "Bearer 605b32dd";
    let good = ask(&message("/photos?page=2", &[("authorization", bearer), ("x-auth-user", "root")])).await.unwrap();
    assert!(admits(&good) && good.denied_response.is_none());
    let headers = good.ok_response.unwrap().headers;
    let [user] = &headers[..] else { panic!("{headers:?}") };
    let header = user.header.as_ref().unwrap();
    assert_eq!((&*header.key, &*header.value, user.append_action), ("x-auth-user", "good", 2));

    for (path, authorization, status) in [
        ("/photos", "Bearer guess", 401),
        ("/photos", "Bearer 605b32dd,Bearer 605b32dd", 401),
        ("/photos", "", 401),
        ("/photos", "Bearer broken", 403),
        ("/photos", "Bearer panic", 403),
        ("/photos", "Bearer slow", 403),
        ("/admin/users", bearer, 401),
        ("", bearer, 401),
    ] {
        let forged = [("authorization", authorization), ("x-original-uri", "/photos"), ("x-forwarded-uri", "/photos")];
        let response = ask(&message(path, &forged)).await.unwrap();
        assert!(!admits(&response) && response.ok_response.is_none(), "{path} {authorization}");
        let denied = response.denied_response.unwrap();
        assert_eq!(denied.status.unwrap().code, status, "{path} {authorization}");
        let challenge = denied.headers.iter().map(|option| option.header.as_ref().unwrap().key.as_str());
        assert_eq!(challenge.collect::<Vec<_>>(), if status == 401 { &["www-authenticate"][..] } else { &[] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_gets_no_message() {
    assert_eq!(ask(&message("/ph otos", &[])).await, Err("3".to_owned()));
    assert_eq!(ask(&message("/photos", &[("a header", "1")])).await, Err("3".to_owned()));
    // Without a request, there is no method.
    assert_eq!(ask(&[]).await, Err("3".to_owned()));
    assert_eq!(ask(b"no message").await, Err("13".to_owned()));
}
