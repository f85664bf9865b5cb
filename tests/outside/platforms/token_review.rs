use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tower_verify::conformance::EndpointTest;

use crate::{demo, token_review::TokenReview};

const VERSIONS: [&str; 2] = ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"];

fn request(version: &str, token: &str) -> Request<Bytes> {
    let body = json!({"apiVersion": version, "kind": "TokenReview", "spec": {"token": token}}).to_string();
    Request::post("/authenticate").body(body.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let admitted = |response: &Response<Bytes>| {
        let review: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        response.status().is_success() && review["status"]["authenticated"] == true
    };
    let verdicts = || vec![Some("good".to_owned()), None];
    for version in VERSIONS {
        let test = EndpointTest::new(TokenReview, move || request(version, "605b32dd"), verdicts, admitted);
        test.secrets(["605b32dd"]).assert_conforms().await;
    }
}

async fn ask(version: &str, token: &str) -> Value {
    let response = crate::ask(demo::layer(TokenReview), request(version, token)).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].as_bytes()),
        (200, &b"application/json"[..])
    );
    serde_json::from_str(response.body()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn both_versions_are_echoed_whatever_the_outcome() {
    for version in VERSIONS {
        for (token, status) in [
            ("605b32dd", json!({"authenticated": true, "user": {"username": "good"}})),
            ("wrong", json!({"authenticated": false})),
            ("broken", json!({"authenticated": false})),
            ("panic", json!({"authenticated": false})),
            ("slow", json!({"authenticated": false})),
        ] {
            let review = json!({"apiVersion": version, "kind": "TokenReview", "status": status});
            assert_eq!(ask(version, token).await, review);
        }
    }
    assert_eq!(ask("authentication.k8s.io/v2", "605b32dd").await["status"], json!({"authenticated": false}));
}
