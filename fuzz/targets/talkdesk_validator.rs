//! An activation is granted only if an independent parser finds the one good password in the body's `auth`.

#![no_main]

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_verify::{
    BoxError,
    talkdesk::{AuthVerdict, Credentials, Parameters, Validator},
    verifier_fn,
};
use tower_verify_fuzz::ask;

fuzz_target!(|body: &[u8]| {
    let verifier = verifier_fn(|request: Request<Credentials>| async move {
        let good = request.body().text("p").is_some_and(|password| *password == "w");
        Ok::<_, BoxError>(if good { AuthVerdict::Granted(Parameters::new()) } else { AuthVerdict::Denied })
    });
    let request = Request::post("/auth").body(Full::new(Bytes::copy_from_slice(body))).expect("the request is valid");
    let answer = ask(Validator::new(), verifier, request);

    let said: Value = serde_json::from_slice(answer.body()).expect("every response is JSON");
    match answer.status().as_u16() {
        200 => {
            let parsed: Value = serde_json::from_slice(body).expect("only JSON is granted");
            assert_eq!(parsed["auth"]["p"], "w");
            assert!(parsed["auth"].as_object().into_iter().flatten().all(|(_, value)| match value {
                Value::Number(number) => number.is_i64(),
                Value::String(_) | Value::Bool(_) => true,
                _ => false,
            }));
        }
        400 => assert_eq!(said["error"], "invalid_request"),
        401 => assert_eq!(said["error"], "access_denied"),
        status => panic!("{status} is not documented for this"),
    }
});
