//! Every ticket request is answered with the whole envelope, and with a ticket only if it has every parameter.
//!
//! The first line of the input is the `Server-Key`, the rest is the body.

#![no_main]

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_verify::{
    BoxError,
    taptalk::{AuthTicketEndpoint, Ticket, TicketRequest, TicketVerdict},
    verifier_fn,
};
use tower_verify_fuzz::ask;

const REQUIRED: [&str; 6] = ["userIPAddress", "userAgent", "userPlatform", "userDeviceID", "xcUserID", "fullName"];

fuzz_target!(|input: &[u8]| {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (key, body) = input.split_at(line);
    let mut request = Request::post("/v1/server/auth_ticket/request").body(Full::new(Bytes::copy_from_slice(body)));
    if let Ok(key) = HeaderValue::from_bytes(key) {
        request.as_mut().expect("the request is valid").headers_mut().insert("server-key", key);
    }

    let verifier = verifier_fn(|request: Request<TicketRequest>| async move {
        assert!(!request.headers().contains_key("server-key"));
        Ok::<_, BoxError>(TicketVerdict::Issued(Ticket::new("6", "t")))
    });
    let answer = ask(AuthTicketEndpoint::new(), verifier, request.expect("the request is valid"));

    assert_eq!(answer.status(), 200);
    let said: Value = serde_json::from_slice(answer.body()).expect("every response is JSON");
    let status = said["status"].as_u64().expect("the status is a number");
    let code = said["error"]["code"].as_str().expect("the code is text");
    assert!(said["error"]["message"].is_string() && said["error"]["field"].is_string() && said["data"].is_object());
    if status == 200 {
        let parsed: Value = serde_json::from_slice(body).expect("only JSON gets a ticket");
        assert!(REQUIRED.iter().all(|name| parsed[*name].as_str().is_some_and(|value| !value.is_empty())));
        assert!(parsed["xcUserID"].as_str().is_some_and(|id| id.chars().count() <= 50));
        assert_eq!((code, &said["data"]["ticket"]), ("", &"t".into()));
    } else {
        assert!(code.starts_with(&status.to_string()) && said["data"].as_object().is_some_and(|data| data.is_empty()));
    }
});
