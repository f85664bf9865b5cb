//! The calls: each is a request, as a server passes it to a service, and the answer that every app must give to it.
//!
//! Every text in a request is a slice of the buffer that was read from the socket.

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderName, HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body::Body;
use http_body_util::{BodyExt, Full};

use super::{Incoming, TOKEN, bare::TEXT, text};

pub(crate) struct Call {
    pub(crate) request: Incoming,
    pub(crate) answer: Known,
}

/// An answer: the status, `Content-Type`, `Cache-Control` and the body.
#[derive(Debug, PartialEq)]
pub(crate) struct Known(u16, Option<String>, Option<String>, String);

impl Known {
    pub(crate) fn of<B: Body<Data = Bytes>>(response: Response<B>) -> Self {
        let header = |name| Some(response.headers().get(name)?.to_str().expect("text").to_owned());
        let (content_type, cache_control) = (header(CONTENT_TYPE), header(CACHE_CONTROL));
        Self(response.status().as_u16(), content_type, cache_control, text(response))
    }
}

/// A request for another path.
pub(crate) fn other() -> Call {
    Call { request: post("/api/v1/messages", &[], "{}"), answer: Known(200, None, None, TEXT.into()) }
}

/// A request for another path, with a query.
pub(crate) fn other_with_query() -> Call {
    Call { request: post("/api/v1/messages?after=605", &[], "{}"), ..other() }
}

/// Diyalog's check of the valid token of a customer.
pub(crate) fn granted() -> Call {
    check(&body(TOKEN), "Validated")
}

/// A check of an invalid token of the same length.
pub(crate) fn denied() -> Call {
    check(&body(WRONG), "InvalidToken")
}

/// A check without its customer number.
pub(crate) fn malformed() -> Call {
    check(&body(TOKEN).replace("customerNo", "customerId"), "BadRequest")
}

/// A check with this body, and the word of its answer.
pub(crate) fn check(body: &str, word: &str) -> Call {
    let plain_text = Some("text/plain; charset=utf-8".into());
    Call {
        request: post("/checkauthtoken", &[], body),
        answer: Known(200, plain_text, Some("no-store".into()), word.into()),
    }
}

/// A token of the same length as the valid one.
const WRONG: &str = "3131sasasrwsdss";

/// Diyalog's documented sample with this token.
pub(crate) fn body(token: &str) -> String {
    format!(
        r#"{{"deviceId": "123456789aacaaca", "dlgToken": "{token}", "customerNo": "1234567", "deviceHash": "fwCZgi6zl2DPuNck6H644eq6JfPZpXKCqa2ouP2JS+k="}}"#
    )
}

/// Diyalog's check of an agent's token.
pub(crate) mod agent {
    use super::*;

    pub(crate) fn granted() -> Call {
        let query = format!("sessionId=s-605b32dd&token={TOKEN}&userNo=45186");
        check(&query, r#"{"success":true,"result":"agent 45186 verified"}"#)
    }

    pub(crate) fn denied() -> Call {
        let query = format!("sessionId=s-605b32dd&token={WRONG}&userNo=45186");
        check(&query, r#"{"success":false,"errorMessage":"token not valid","result":"InvalidToken"}"#)
    }

    /// There is no agent's number.
    pub(crate) fn malformed() -> Call {
        let query = format!("sessionId=s-605b32dd&token={TOKEN}&userId=45186");
        check(
            &query,
            r#"{"success":false,"errorMessage":"`userNo` must be given and not empty","result":"BadRequest"}"#,
        )
    }

    fn check(query: &str, answer: &str) -> Call {
        Call { request: get(&format!("/CheckToken?{query}"), &[]), answer: json(200, answer) }
    }
}

/// Talkdesk's validation of this many fields: the first two are a name and a password.
pub(crate) mod validator {
    use super::*;

    pub(crate) fn granted<const FIELDS: usize>() -> Call {
        validate::<FIELDS>(&format!("\"{TOKEN}\""), json(200, r#"{"login_id":12}"#))
    }

    pub(crate) fn denied<const FIELDS: usize>() -> Call {
        let answer = r#"{"error":"access_denied","error_description":"the credentials are not valid"}"#;
        validate::<FIELDS>(&format!("\"{WRONG}\""), json(401, answer))
    }

    /// The password is `null`.
    pub(crate) fn malformed<const FIELDS: usize>() -> Call {
        let answer = r#"{"error":"invalid_request","error_description":"`password` in `auth` must be a string, an integer or a boolean"}"#;
        validate::<FIELDS>("null", json(400, answer))
    }

    fn validate<const FIELDS: usize>(password: &str, answer: Known) -> Call {
        let mut fields = format!(r#""username": "john@example.com", "password": {password}"#);
        for number in 2..FIELDS {
            let name = number * 7 % FIELDS; // in no order
            let value = ["\"605b32dd\"", "605", "true"][number % 3];
            fields += &format!(r#", "parameter_{name}": {value}"#);
        }
        Call { request: post("/auth", &[], &format!(r#"{{"auth": {{{fields}}}}}"#)), answer }
    }
}

/// TapTalk's request for a ticket.
pub(crate) mod auth_ticket {
    use super::*;

    const BODY: &str = r#"{"userIPAddress": "203.0.113.7", "userAgent": "okhttp/4.9.1", "userPlatform": "android", "userDeviceID": "7a6c605b32dd", "xcUserID": "287", "fullName": "Ann Example", "email": "ann@example.com", "phone": "", "username": null}"#;
    /// The base64 of `backend:s3cr3t`.
    const KEY: &str = "YmFja2VuZDpzM2NyM3Q=";

    pub(crate) fn granted() -> Call {
        let answer = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"287","ticket":"ttk_2121sasasrwsdss"}}"#;
        request(KEY, BODY, answer)
    }

    pub(crate) fn denied() -> Call {
        let answer =
            r#"{"status":491,"error":{"code":"49103","message":"Server-Key is not known","field":""},"data":{}}"#;
        request("YmFja2VuZDpzM2NyM3U=", BODY, answer)
    }

    /// There is no user's id.
    pub(crate) fn malformed() -> Call {
        let answer = r#"{"status":400,"error":{"code":"40002","message":"Param 'xcUserID' is required","field":"105"},"data":{}}"#;
        request(KEY, &BODY.replace("xcUserID", "xcUserNo"), answer)
    }

    fn request(key: &str, body: &str, answer: &str) -> Call {
        let key = (HeaderName::from_static("server-key"), key);
        Call { request: post("/v1/server/auth_ticket/request", &[key], body), answer: json(200, answer) }
    }
}

/// TapTalk's check of an access token.
pub(crate) mod connect {
    use http::header::AUTHORIZATION;

    use super::*;

    pub(crate) fn granted() -> Call {
        let answer = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}}"#;
        check(&format!("Bearer {TOKEN}"), answer)
    }

    pub(crate) fn denied() -> Call {
        let answer = r#"{"status":401,"error":{"code":"40104","message":"Token has expired","field":""},"data":{}}"#;
        check(&format!("Bearer {WRONG}"), answer)
    }

    /// The scheme is not `Bearer`.
    pub(crate) fn malformed() -> Call {
        let answer = r#"{"status":401,"error":{"code":"40102","message":"Authorization must be 'Bearer', a space and a token","field":""},"data":{}}"#;
        check(&format!("Basic {TOKEN}"), answer)
    }

    fn check(authorization: &str, answer: &str) -> Call {
        let headers = [
            (AUTHORIZATION, authorization),
            (HeaderName::from_static("app-key"), "YW5kcm9pZDpwbDQxbg=="),
            (HeaderName::from_static("device-identifier"), "7a6c605b32dd"),
            (HeaderName::from_static("device-platform"), "android"),
        ];
        Call { request: get("/connect?check=1", &headers), answer: json(200, answer) }
    }
}

fn json(status: u16, body: &str) -> Known {
    Known(status, Some("application/json".into()), Some("no-store".into()), body.into())
}

fn get(target: &str, headers: &[(HeaderName, &str)]) -> Incoming {
    request(Method::GET, target, headers, "")
}

fn post(target: &str, headers: &[(HeaderName, &str)], body: &str) -> Incoming {
    let length = body.len().to_string();
    let of_body = [(CONTENT_TYPE, "application/json"), (CONTENT_LENGTH, &*length)];
    request(Method::POST, target, &[&of_body, headers].concat(), body)
}

fn request(method: Method, target: &str, headers: &[(HeaderName, &str)], body: &str) -> Incoming {
    let usual = [(HOST, "verify.example.com"), (USER_AGENT, "okhttp/4.12.0"), (ACCEPT, "*/*")];
    let headers = [&usual, headers].concat();
    let mut buffer = BytesMut::new();
    buffer.put_slice(target.as_bytes());
    headers.iter().for_each(|(_, value)| buffer.put_slice(value.as_bytes()));
    buffer.put_slice(body.as_bytes());
    let mut rest = buffer.freeze();

    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_maybe_shared(rest.split_to(target.len())).expect("a target");
    for (name, value) in headers {
        let value = HeaderValue::from_maybe_shared(rest.split_to(value.len())).expect("a header's value");
        request.headers_mut().insert(name, value);
    }
    *request.body_mut() = Full::new(rest);
    request
}

/// The bytes of a request on the wire.
pub(crate) fn on_the_wire(request: &Incoming) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    let body = futures::FutureExt::now_or_never(request.body().clone().collect()).expect("it is ready");
    bytes.extend_from_slice(&body.expect("it cannot fail").to_bytes());
    bytes
}
