use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderName, Request, Response};
use ring::hmac;
use serde_json::{Value, json};
use tower_verify::{
    CallerSecret, CallerSignature, ManualClock, VerifyLayer,
    caller::{SigningKey, SigningKeys},
    conformance::EndpointTest,
    token::{KeyRing, Signer},
    unix_millis,
};

use crate::{
    demo::{self, Sessions},
    introspection::Introspection,
};

/// A careless resource server reads the status alone, or any `active` but `false`.
fn reads_as_admitted(response: &Response<Bytes>) -> bool {
    let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    answer["active"] == true || response.status().is_success() && answer["active"] != false
}

fn signer(clock: &ManualClock) -> Signer {
    Signer::new("demo", "session", "", KeyRing::generate().unwrap()).unwrap().clock(clock.clone())
}

fn request(basic: &str, form: impl Into<Bytes>) -> Request<Bytes> {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(basic));
    Request::post("/introspect").header("authorization", basic).body(form.into()).unwrap()
}

fn layer(signer: &Signer) -> VerifyLayer<Introspection, Sessions> {
    let caller = CallerSecret::basic([("api", "605b32dd")]).unwrap();
    demo::layer_with(Introspection, Sessions(signer.clone())).caller_secret(caller)
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let signer = signer(&ManualClock::new(SystemTime::now()));
    let issued = signer.issue(&[], Duration::from_secs(60)).unwrap();
    let token = issued.token.expose_secret().to_owned();
    let form = format!("token={token}&token_type_hint=access_token");
    let verdicts = move || vec![signer.check(issued.token.expose_secret(), &[]).ok(), None];
    let request = move || Request::post("/introspect").body(form.clone().into()).unwrap();
    EndpointTest::new(Introspection, request, verdicts, reads_as_admitted).secrets([token]).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn an_inactive_token_gets_not_a_word_more() {
    let clock = ManualClock::new(SystemTime::now());
    let signer = signer(&clock);
    let issued = signer.issue(&[], Duration::from_secs(60)).unwrap();
    let bound = signer.issue_for(b"ann", &[b"device-7"], Duration::from_secs(60)).unwrap();
    let form = format!("token={}", issued.token.expose_secret());

    let response = crate::ask(layer(&signer), request("api:605b32dd", form.clone())).await;
    let answer: Value = serde_json::from_str(response.body()).unwrap();
    let exp = unix_millis(issued.expires_at) / 1000;
    assert_eq!(answer, json!({"active": true, "jti": issued.id.to_string(), "exp": exp}));

    // An anonymous caller learns nothing, be the token good or not.
    for basic in ["api:guess", "other:605b32dd", ""] {
        let response = crate::ask(layer(&signer), request(basic, form.clone())).await;
        assert_eq!((response.status().as_u16(), response.body().as_str()), (401, ""));
        assert_eq!(response.headers()["www-authenticate"], r#"Basic realm="introspection""#);
    }
    for (form, status) in [("token=broken", 503), ("token=panic", 503), ("token=slow", 503), ("x=1", 400)] {
        assert_eq!(crate::ask(layer(&signer), request("api:605b32dd", form)).await.status(), status, "{form}");
    }

    clock.advance(Duration::from_secs(60));
    for token in [issued.token.expose_secret(), bound.token.expose_secret(), "demo_1.k7.guess", ""] {
        let response = crate::ask(layer(&signer), request("api:605b32dd", format!("token={token}"))).await;
        assert_eq!((response.status().as_u16(), response.body().as_str()), (200, r#"{"active":false}"#), "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_sign_instead() {
    let signer = signer(&ManualClock::new(SystemTime::now()));
    let issued = signer.issue(&[], Duration::from_secs(60)).unwrap();
    let form = format!("token={}", issued.token.expose_secret());
    let keys = SigningKeys::new([SigningKey::from_bytes(b"a secret that both sides know").unwrap()]).unwrap();
    let signature = CallerSignature::in_header(HeaderName::from_static("x-signature"), keys).base64();
    let ask = async |signed: &str| {
        let layer = demo::layer_with(Introspection, Sessions(signer.clone())).caller_check(signature.clone());
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"a secret that both sides know"), signed.as_bytes());
        let request = Request::post("/introspect").header("x-signature", BASE64_STANDARD.encode(mac));
        crate::ask(layer, request.body(form.clone()).unwrap()).await
    };
    let good = ask(&form).await;
    assert!(good.status() == 200 && good.body().contains(r#""active":true"#));
    let forged = ask("token=other").await;
    assert_eq!((forged.status().as_u16(), forged.body().as_str()), (401, ""));
}
