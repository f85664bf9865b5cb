//! The calls, as a server hands them over: every text in them is a slice of the one buffer that was read from the socket.

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::Full;

use super::{Incoming, TOKEN};

const HEADERS: [(HeaderName, &str); 5] = [
    (HOST, "verify.example.com"),
    (USER_AGENT, "okhttp/4.12.0"),
    (ACCEPT, "*/*"),
    (CONTENT_TYPE, "application/json"),
    (CONTENT_LENGTH, "182"),
];

/// `POST path` with `body`.
pub fn post(path: &'static str, body: &[u8]) -> Incoming {
    let mut buffer = BytesMut::with_capacity(512 + body.len());
    for (_, value) in &HEADERS {
        buffer.put_slice(value.as_bytes());
    }
    buffer.put_slice(body);
    let head = buffer.split_to(HEADERS.iter().map(|(_, value)| value.len()).sum()).freeze();
    let body = buffer.split().freeze();

    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = http::Uri::from_static(path);
    request.headers_mut().reserve(HEADERS.len());
    let mut at = 0;
    for (name, value) in HEADERS {
        let slice: Bytes = head.slice(at..at + value.len());
        at += value.len();
        request.headers_mut().insert(name, HeaderValue::from_maybe_shared(slice).expect("a header's value"));
    }
    request
}

/// Another path's request: what passes through.
pub fn other() -> Incoming {
    post("/api/v1/messages", b"{}")
}

/// A check of `token`.
pub fn check(token: &str) -> Incoming {
    post("/checkauthtoken", body(token).as_bytes())
}

/// A check of the good token.
pub fn granted() -> Incoming {
    check(TOKEN)
}

/// A check of another token of the same length.
pub fn denied() -> Incoming {
    check(&TOKEN.replace('2', "3"))
}

/// A check without a customer.
pub fn malformed() -> Incoming {
    post("/checkauthtoken", body(TOKEN).replace("customerNo", "customerId").as_bytes())
}

fn body(token: &str) -> String {
    format!(
        r#"{{"deviceId": "123456789aacaaca", "dlgToken": "{token}", "customerNo": "1234567", "deviceHash": "fwCZgi6zl2DPuNck6H644eq6JfPZpXKCqa2ouP2JS+k="}}"#
    )
}
