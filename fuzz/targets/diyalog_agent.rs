//! An agent check admits only if an independent parser finds the one good trio in the query.

#![no_main]

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_verify::{
    BoxError,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict},
    verifier_fn,
};
use tower_verify_fuzz::ask;

fuzz_target!(|query: &str| {
    let Ok(uri) = Uri::try_from(format!("/CheckToken?{query}")) else { return };
    let verifier = verifier_fn(|request: Request<AgentToken>| async move {
        assert_eq!(request.uri(), "/CheckToken");
        let trio = request.into_body();
        let good = trio.token == "t" && trio.user_no == "u" && trio.session_id == "s";
        Ok::<_, BoxError>(if good { AgentVerdict::validated(trio.user_no) } else { AgentVerdict::InvalidToken })
    });
    let request = Request::get(uri.clone()).body(Full::new(Bytes::new())).expect("the request is valid");
    let answer = ask(AgentEndpoint::new(), verifier, request);

    let answer: Value = serde_json::from_slice(answer.body()).expect("every response is JSON");
    assert!(answer["result"].is_string());
    assert_eq!(answer["success"] == false, answer["errorMessage"].is_string());
    if answer["success"] == true {
        let parameters: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
        for expected in [("sessionId", "s"), ("token", "t"), ("userNo", "u")] {
            let given: Vec<_> = parameters.iter().filter(|(name, _)| name == expected.0).collect();
            assert!(matches!(given[..], [(_, value)] if value == expected.1));
        }
    }
});
