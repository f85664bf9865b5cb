use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use tower_verify::conformance::EndpointTest;

use crate::{demo, mediamtx::MediaMtx};

/// Every 2xx admits, and a redirect may lead to one.
fn reads_as_admitted(response: &Response<Bytes>) -> bool {
    response.status().is_success() || response.status().is_redirection()
}

fn call(user: &str, password: &str, action: &str, path: &str) -> Request<Bytes> {
    let body = json!({
        "ip": "127.0.0.1", "user": user, "password": password, "token": "", "action": action, "path": path,
        "protocol": "rtsp", "id": null, "query": "",
    });
    Request::post("/mediamtx").header("content-type", "application/json").body(body.to_string().into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let request = || call("good", "605b32dd", "read", "live");
    let test = EndpointTest::new(MediaMtx, request, || vec![true, false], reads_as_admitted);
    test.secrets(["605b32dd"]).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_without_credentials_is_asked_for_them() {
    for (user, password, action, path, status) in [
        ("", "", "read", "live", 401),
        ("good", "605b32dd", "read", "live", 204),
        ("good", "605b32dd", "publish", "live", 204),
        ("good", "605b32dd", "publish", "news", 401),
        ("good", "605b32dd", "api", "", 401),
        ("good", "guess", "read", "live", 401),
        ("broken", "605b32dd", "read", "live", 503),
        ("panic", "605b32dd", "read", "live", 503),
        ("slow", "605b32dd", "read", "live", 503),
    ] {
        let response = crate::ask(demo::layer(MediaMtx), call(user, password, action, path)).await;
        assert_eq!(response.status(), status, "{user} {action} {path}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    }
    let twice = r#"{"user": "good", "password": "605b32dd", "action": "read", "action": "read", "path": "live"}"#;
    let request = Request::post("/mediamtx").body(twice).unwrap();
    assert_eq!(crate::ask(demo::layer(MediaMtx), request).await.status(), 401);
}
