use bytes::Bytes;
use http::{Request, Response};
use tower_verify::conformance::EndpointTest;

use crate::{demo, rabbitmq::RabbitMq};

/// RabbitMQ's user check matches the beginning of a body and takes the rest for the user's tags.
fn reads_as_admitted(response: &Response<Bytes>) -> bool {
    response.body().to_ascii_lowercase().starts_with(b"allow")
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let by_form = || Request::post("/auth/user").body("username=good&password=605b32dd".into()).unwrap();
    let by_query = || Request::get("/auth/user?username=good&password=605b32dd").body(Bytes::new()).unwrap();
    let verdicts = || vec![true, false];
    EndpointTest::new(RabbitMq, by_form, verdicts, reads_as_admitted).secrets(["605b32dd"]).assert_conforms().await;
    EndpointTest::new(RabbitMq, by_query, verdicts, reads_as_admitted).secrets(["605b32dd"]).assert_conforms().await;
}

async fn ask(request: http::request::Builder, body: &'static str) -> (u16, String) {
    let response = crate::ask(demo::layer(RabbitMq), request.body(body).unwrap()).await;
    (response.status().as_u16(), response.into_body())
}

#[tokio::test(start_paused = true)]
async fn one_endpoint_serves_four_paths_by_get_and_post() {
    for (path, form, word) in [
        ("user", "username=good&password=605b32dd", "allow"),
        ("user", "username=good&password=605b32de", "deny"),
        ("user", "username=other&password=605b32dd", "deny"),
        ("user", "username=good", "deny"),
        ("user", "username=broken&password=605b32dd", "deny"),
        ("user", "username=panic&password=605b32dd", "deny"),
        ("user", "username=slow&password=605b32dd", "deny"),
        ("user", "password=605b32dd", "deny"),
        ("user", "username=good&password=605b32dd&username=good", "deny"),
        ("user", "%", "deny"),
        // A login by certificate has no password. It is not the question for a vhost.
        ("user", "username=good&vhost=%2F", "deny"),
        ("vhost", "username=good&vhost=%2F&ip=127.0.0.1&tags=", "allow"),
        ("vhost", "username=good&vhost=other&ip=127.0.0.1&tags=", "deny"),
        ("resource", "username=good&vhost=%2F&resource=queue&name=jobs&permission=configure&tags=", "allow"),
        ("resource", "username=good&vhost=%2F&resource=queue&name=other&permission=read&tags=", "deny"),
        ("resource", "username=good&vhost=%2F&resource=queue&name=jobs", "deny"),
        ("topic", "username=good&vhost=%2F&resource=topic&name=amq.topic&permission=write&routing_key=jobs.1", "allow"),
        ("topic", "username=good&vhost=%2F&resource=topic&name=amq.topic&permission=write&routing_key=pay.1", "deny"),
        ("other", "username=good&password=605b32dd&vhost=%2F", "deny"),
    ] {
        let path = format!("/auth/{path}");
        assert_eq!(ask(Request::post(&path), form).await, (200, word.to_owned()), "{form}");
        assert_eq!(ask(Request::get(format!("{path}?{form}")), "").await, (200, word.to_owned()), "{form}");
        assert_eq!(ask(Request::put(&path), form).await.0, 418);
    }
}
