//! A customer check admits only if an independent parser finds the one good trio in the body.

#![no_main]

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_verify::{
    BoxError,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    verifier_fn,
};
use tower_verify_fuzz::ask;

fuzz_target!(|body: &[u8]| {
    let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
        let good = request.body().dlg_token == "t" && request.body().customer_no == "c";
        Ok::<_, BoxError>(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    });
    let request =
        Request::post("/checkauthtoken").body(Full::new(Bytes::copy_from_slice(body))).expect("a valid request");
    let answer = ask(CustomerEndpoint::new(), verifier, request);

    assert!(["Validated", "InvalidToken", "BadRequest"].iter().any(|word| answer.body() == word));
    if answer.body() == "Validated" {
        let parsed: Value = serde_json::from_slice(body).expect("only JSON is admitted");
        assert_eq!((&parsed["dlgToken"], &parsed["customerNo"]), (&"t".into(), &"c".into()));
        assert!(parsed["deviceId"].as_str().is_some_and(|device| !device.is_empty()));
    }
});
