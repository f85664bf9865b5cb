use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey},
};
use serde_json::{Value, json};
use tower_verify::{Secret, conformance::EndpointTest};

use crate::{
    demo,
    registry::Registry,
    registry_tokens::{ISSUER, Issuer},
};

/// The base64 of `good:605b32dd`.
const GOOD: &str = "Z29vZDo2MDViMzJkZA==";

fn request(query: &str, basic: &str) -> Request<Bytes> {
    let request = Request::get(format!("/token?{query}")).header("authorization", format!("Basic {basic}"));
    request.body(Bytes::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let has_token = |response: &Response<Bytes>| {
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        response.status().is_success() && ["token", "access_token"].iter().any(|name| answer[name].is_string())
    };
    let verdicts = || vec![Some(Secret::from("signed")), None];
    let request = || request("service=hub&scope=repository:good/app:pull&account=good", GOOD);
    EndpointTest::new(Registry, request, verdicts, has_token).secrets(["605b32dd", GOOD]).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn the_token_is_signed_and_grants_no_more_than_the_user_may() {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
    let layer = || demo::layer_with(Registry, Issuer::new(key.as_ref(), b"certificate"));
    let scopes = "scope=repository:good/app:push,pull&scope=repository%3Alibrary/debian%3Apull,push\
        &scope=repository:other/app:pull&scope=registry:catalog:*";
    let response = crate::ask(layer(), request(&format!("service=hub&{scopes}"), GOOD)).await;
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_str(response.body()).unwrap();
    let token = answer["token"].as_str().unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    public.verify(message.as_bytes(), &part(signature)).expect("the signature is of the key");
    let (header, claims) = message.split_once('.').unwrap();
    let [header, claims] = [header, claims].map(|text| serde_json::from_slice::<Value>(&part(text)).unwrap());
    assert_eq!(header, json!({"typ": "JWT", "alg": "ES256", "x5c": ["Y2VydGlmaWNhdGU="]}));
    assert_eq!((&claims["iss"], &claims["aud"], &claims["sub"]), (&json!(ISSUER), &json!("hub"), &json!("good")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap(), 300);
    let access = json!([
        {"type": "repository", "name": "good/app", "actions": ["push", "pull"]},
        {"type": "repository", "name": "library/debian", "actions": ["pull"]},
    ]);
    assert_eq!(claims["access"], access);

    for (query, basic, status) in [
        ("service=hub", GOOD, 200),
        ("service=hub", "Z29vZDpndWVzcw==", 401),
        ("service=hub", "", 401),
        ("scope=repository:good/app:pull", GOOD, 401),
        ("service=hub&service=hub", GOOD, 401),
        ("service=hub", "YnJva2VuOng=", 503),
        ("service=hub", "cGFuaWM6eA==", 503),
        ("service=hub", "c2xvdzp4", 503),
    ] {
        let response = crate::ask(layer(), request(query, basic)).await;
        assert_eq!(response.status(), status, "{query}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{query}");
        assert_eq!(response.body().is_empty(), status != 200, "{query}");
    }
    let without_key = demo::layer_with(Registry, Issuer::new(&[], &[]));
    assert_eq!(crate::ask(without_key, request("service=hub", GOOD)).await.status(), 503);
}
