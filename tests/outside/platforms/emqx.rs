use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tower_verify::conformance::EndpointTest;

use crate::{demo, emqx::Emqx};

/// Everything but a plain denial leaves the decision to what EMQX asks next, and that may let in.
fn may_be_admitted(response: &Response<Bytes>) -> bool {
    let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let json =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    !(response.status() == 200 && json && answer == json!({"result": "deny"}))
}

fn connect(user: &str, password: &str) -> Request<Bytes> {
    let body = json!({"username": user, "password": password, "clientid": "device-7"}).to_string();
    Request::post("/emqx/authn").header("content-type", "application/json").body(body.into()).unwrap()
}

fn topic(user: &str, action: &str, topic: &str) -> Request<Bytes> {
    let body = json!({"username": user, "action": action, "topic": topic, "clientid": "device-7"}).to_string();
    Request::post("/emqx/authz").header("content-type", "application/json").body(body.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let verdicts = || vec![true, false];
    let test = EndpointTest::new(Emqx, || connect("good", "605b32dd"), verdicts, may_be_admitted);
    test.secrets(["605b32dd"]).assert_conforms().await;
    EndpointTest::new(Emqx, || topic("good", "publish", "good/1"), verdicts, may_be_admitted).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn connections_and_topics() {
    for (request, good) in [
        (connect("good", "605b32dd"), true),
        (connect("good", "guess"), false),
        (connect("", ""), false),
        (connect("broken", "605b32dd"), false),
        (connect("panic", "605b32dd"), false),
        (connect("slow", "605b32dd"), false),
        (topic("good", "publish", "good/1"), true),
        (topic("good", "subscribe", "good/1"), true),
        (topic("good", "subscribe", "good/#"), false),
        (topic("good", "subscribe", "other/1"), false),
        (topic("good", "other", "good/1"), false),
        (topic("broken", "publish", "broken/1"), false),
        // A client without a password is no question about a topic, and the other way round.
        (topic("good", "publish", "good/1").map(|_| r#"{"username": "good", "password": "605b32dd"}"#.into()), false),
        (connect("good", "").map(|_| r#"{"username": "good", "action": "publish", "topic": "good/1"}"#.into()), false),
        (
            connect("good", "").map(|_| r#"{"username": "good", "username": "good", "password": "605b32dd"}"#.into()),
            false,
        ),
    ] {
        let shown = format!("{:?}", request.body());
        let response = crate::ask(demo::layer(Emqx), request).await;
        let word = if good { r#"{"result":"allow","is_superuser":false}"# } else { r#"{"result":"deny"}"# };
        let answer: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!((response.status().as_u16(), answer), (200, serde_json::from_str(word).unwrap()), "{shown}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}
