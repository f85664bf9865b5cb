//! The requests, as a server passes them to a service: every text in them is a slice of the buffer that was read from
//! the socket.

use bytes::{BufMut, BytesMut};
use http::{
    HeaderName, HeaderValue, Method, Request, Uri,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::Full;

use super::{Incoming, TOKEN};

/// A request for another path.
pub(crate) fn other() -> Incoming {
    post("/api/v1/messages", b"{}")
}

/// A request for another path, with a query.
pub(crate) fn other_with_query() -> Incoming {
    post("/api/v1/messages?after=605", b"{}")
}

/// A check of the valid token.
pub(crate) fn granted() -> Incoming {
    check(&body(TOKEN))
}

/// A check of an invalid token of the same length.
pub(crate) fn denied() -> Incoming {
    check(&body(&TOKEN.replace('2', "3")))
}

/// A check without its customer number.
pub(crate) fn malformed() -> Incoming {
    check(&body(TOKEN).replace("customerNo", "customerId"))
}

/// A check with this body.
pub(crate) fn check(body: &str) -> Incoming {
    post("/checkauthtoken", body.as_bytes())
}

/// Diyalog's documented sample with this token.
pub(crate) fn body(token: &str) -> String {
    format!(
        r#"{{"deviceId": "123456789aacaaca", "dlgToken": "{token}", "customerNo": "1234567", "deviceHash": "fwCZgi6zl2DPuNck6H644eq6JfPZpXKCqa2ouP2JS+k="}}"#
    )
}

fn post(path: &'static str, body: &[u8]) -> Incoming {
    let length = body.len().to_string();
    let headers: [(HeaderName, &str); 5] = [
        (HOST, "verify.example.com"),
        (USER_AGENT, "okhttp/4.12.0"),
        (ACCEPT, "*/*"),
        (CONTENT_TYPE, "application/json"),
        (CONTENT_LENGTH, &length),
    ];
    let mut buffer = BytesMut::new();
    headers.iter().for_each(|(_, value)| buffer.put_slice(value.as_bytes()));
    buffer.put_slice(body);
    let mut rest = buffer.freeze();

    let mut request = Request::new(Full::default());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(path);
    for (name, value) in headers {
        let value = HeaderValue::from_maybe_shared(rest.split_to(value.len())).expect("a header's value");
        request.headers_mut().insert(name, value);
    }
    *request.body_mut() = Full::new(rest);
    request
}
