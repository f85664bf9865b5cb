use bytes::Bytes;
use http::{Request, Response};
use tower_verify::conformance::EndpointTest;

use crate::{demo, icecast::Icecast};

const LISTENER: &str = "action=listener_add&server=localhost&port=8000&client=7&mount=%2Flive%3Fq%3D1&user=good&pass=605b32dd\
    &ip=127.0.0.1&agent=curl";

/// The base64 of `good:605b32dd`.
const BASIC: &str = "Z29vZDo2MDViMzJkZA==";

fn request(form: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/icecast").header("authorization", format!("Basic {BASIC}")).body(form.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    // A custom `auth_header` is compared as a prefix, whatever the status.
    let line = |response: &Response<Bytes>| {
        response.headers().get("icecast-auth-user").is_some_and(|value| value.as_bytes().starts_with(b"1"))
    };
    let test = EndpointTest::new(Icecast, || request(LISTENER), || vec![true, false], line);
    test.secrets(["605b32dd", BASIC]).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn listeners_and_sources_are_told_apart() {
    for (form, good) in [
        (LISTENER, true),
        ("action=stream_auth&mount=%2Flive&ip=127.0.0.1&server=localhost&port=8000&user=good&pass=605b32dd", true),
        ("action=stream_auth&mount=%2Fnews&ip=127.0.0.1&server=localhost&port=8000&user=good&pass=605b32dd", false),
        ("action=listener_add&mount=%2Flive&user=good&pass=guess", false),
        ("action=listener_add&mount=%2Flive&user=&pass=", false),
        ("action=listener_add&mount=%2Flive&user=broken&pass=605b32dd", false),
        ("action=listener_add&mount=%2Flive&user=panic&pass=605b32dd", false),
        ("action=listener_add&mount=%2Flive&user=slow&pass=605b32dd", false),
        ("action=listener_add&mount=%2Flive&user=good", false),
        ("action=listener_add&mount=%2Flive&user=good&pass=605b32dd&user=good", false),
        ("action=listener_remove&mount=%2Flive&user=good&pass=605b32dd", false),
    ] {
        let response = crate::ask(demo::layer(Icecast), request(form)).await;
        let line = response.headers().get("icecast-auth-user").map(|value| value.as_bytes());
        let (expected, status) = if good { (Some(&b"1"[..]), 200) } else { (None, 403) };
        assert_eq!((line, response.status().as_u16()), (expected, status), "{form}");
    }
}
