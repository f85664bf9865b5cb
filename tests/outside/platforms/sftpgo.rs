use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tower_verify::conformance::EndpointTest;

use crate::{demo, sftpgo::SftpGo};

/// 200 admits with an account and with an empty body. A redirect leads to a page that may be empty.
fn reads_as_admitted(response: &Response<Bytes>) -> bool {
    response.status() == 200 || response.status().is_redirection()
}

fn login(user: &str, password: &str, key: &str) -> Request<Bytes> {
    let body = json!({
        "username": user, "ip": "127.0.0.1", "password": password, "public_key": key, "protocol": "SSH",
        "keyboard_interactive": "", "tls_cert": "", "user": {"id": 1, "username": "good", "password": "$2a$10$"},
    });
    Request::post("/sftpgo").header("content-type", "application/json").body(body.to_string().into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let verdicts = || vec![Some(json!({"username": "good"})), None];
    let test = EndpointTest::new(SftpGo, || login("good", "605b32dd", ""), verdicts, reads_as_admitted);
    test.secrets(["605b32dd"]).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn a_password_or_a_key_and_never_neither() {
    for (user, password, key, status) in [
        ("good", "605b32dd", "", 200),
        ("good", "", "ssh-ed25519 AAAA605b32dd", 200),
        ("good", "guess", "", 403),
        ("good", "", "ssh-ed25519 AAAA", 403),
        ("good", "", "", 403),
        ("good", "605b32dd", "ssh-ed25519 AAAA605b32dd", 403),
        ("", "605b32dd", "", 403),
        ("broken", "605b32dd", "", 503),
        ("panic", "605b32dd", "", 503),
        ("slow", "605b32dd", "", 503),
    ] {
        let response = crate::ask(demo::layer(SftpGo), login(user, password, key)).await;
        assert_eq!(response.status(), status, "{user} {password} {key}");
        let account: Value = serde_json::from_str(response.body()).unwrap_or_default();
        assert_eq!(account["username"], if status == 200 { json!("good") } else { Value::Null });
    }
}
