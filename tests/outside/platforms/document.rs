//! The document of the endpoints that read a form or HTTP's Basic.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Method, Request};
use serde_json::{Value, json};
use tower_verify::{
    CallerSecret, VerifyLayer,
    openapi::{Description, OpenApi},
    token::{KeyRing, Signer},
};

use crate::{
    demo::{self, Demo, Sessions},
    document::document,
    icecast::Icecast,
    introspection::Introspection,
    rabbitmq::RabbitMq,
    registry::Registry,
    registry_tokens::Issuer,
};

fn introspection(signer: &Signer) -> VerifyLayer<Introspection, Sessions> {
    let caller = CallerSecret::basic([("api", "605b32dd")]).unwrap();
    demo::layer_with(Introspection, Sessions(signer.clone())).caller_secret(caller)
}

fn example() -> (Value, Signer) {
    let signer = Signer::new("demo", "session", "", KeyRing::generate().unwrap()).unwrap();
    let session = signer.issue(&[], Duration::from_secs(60)).unwrap();
    let active = signer.check(session.token.expose_secret(), &[]).unwrap();
    let registry = demo::layer_with(Registry, Issuer::new(b"", b""));
    let introspected = (&introspection(&signer), active);
    let document = document(&demo::layer(Icecast), introspected, &demo::layer(RabbitMq), &registry).unwrap();
    (document, signer)
}

#[test]
fn forms_and_basic_are_described_as_they_are() {
    let (document, _) = example();
    let operation = |path: &str, method: &str| document["paths"][path][method].clone();
    for path in ["/icecast", "/introspect", "/auth/user", "/auth/vhost", "/auth/resource", "/auth/topic"] {
        let content = operation(path, "post")["requestBody"]["content"].clone();
        assert_eq!(content.as_object().unwrap().len(), 1, "{path}");
        let form = &content["application/x-www-form-urlencoded"];
        assert_eq!(form["schema"]["type"], "object", "{path}");
        // The endpoint itself has read the sample.
        assert!(form["example"].is_object(), "{path}");
    }
    let schemes = &document["components"]["securitySchemes"];
    for (path, method, name) in [("/introspect", "post", "caller-basic"), ("/token", "get", "registry-user")] {
        assert_eq!(operation(path, method)["security"], json!([{name: []}]));
        assert_eq!((&schemes[name]["type"], &schemes[name]["scheme"]), (&json!("http"), &json!("basic")));
    }
    let statuses = |path, method| {
        let responses = operation(path, method)["responses"].clone();
        responses.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(statuses("/token", "get"), ["200", "401", "503"]);
    assert_eq!(statuses("/introspect", "post"), ["200", "400", "401", "503"]);
    let refused = operation("/token", "get")["responses"]["401"]["description"].to_string();
    assert!(refused.contains("without registry-user"), "{refused}");
    let refused = operation("/icecast", "post")["responses"]["403"]["description"].to_string();
    assert!(refused.contains("without pass"), "{refused}");
    // Nothing of the caller's password, or of the token that was signed for the sample.
    assert!(!document.to_string().contains(&BASE64_STANDARD.encode("api:605b32dd")));
}

/// A call that is made as the document says is answered as the document says.
#[tokio::test]
async fn the_described_calls_are_answered() {
    let (document, signer) = example();
    let form = |path: &str| {
        let content = &document["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"];
        let pairs = content["example"].as_object().unwrap().iter();
        let pair = |(name, value): (&String, &Value)| format!("{name}={}", value.as_str().unwrap());
        pairs.map(pair).collect::<Vec<_>>().join("&")
    };
    for path in ["/auth/user", "/auth/vhost", "/auth/resource"] {
        let request = Request::post(path).body(form(path)).unwrap();
        assert_eq!(crate::ask::<_, Demo>(demo::layer(RabbitMq), request).await.body(), "allow", "{path}");
    }
    let request = Request::post("/icecast").body(form("/icecast")).unwrap();
    assert_eq!(crate::ask::<_, Demo>(demo::layer(Icecast), request).await.status(), 200);
    let basic = format!("Basic {}", BASE64_STANDARD.encode("api:605b32dd"));
    let request = Request::post("/introspect").header("authorization", basic).body(form("/introspect")).unwrap();
    assert_eq!(crate::ask(introspection(&signer), request).await.body(), r#"{"active":false}"#);
}

#[test]
fn a_call_that_the_endpoint_does_not_answer_is_an_error() {
    let description = || Description::new("RabbitMQ", "").verdicts([true, false]);
    let document = || OpenApi::new("x", "1");
    let layer = demo::layer(RabbitMq);
    let error = document().call(&layer, &Method::POST, "/other", description()).unwrap_err().to_string();
    assert_eq!(error, "rabbitmq does not answer POST /other: see its route");
    assert!(document().call(&layer, &Method::PUT, "/auth/user", description()).is_err());
    let once = document().call(&layer, &Method::GET, "/auth/user", description()).unwrap();
    assert!(once.clone().call(&layer, &Method::GET, "/auth/user", description()).is_err());
    assert!(once.call(&layer, &Method::GET, "/auth/vhost", description()).is_ok());
    let nested = description().form_body(json!({}), json!({"a": []}));
    let error = document().call(&layer, &Method::POST, "/auth/user", nested).unwrap_err().to_string();
    assert!(error.contains("a sample in the description of rabbitmq cannot be in a request"), "{error}");
}
