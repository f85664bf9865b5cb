use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use tower_verify::conformance::EndpointTest;

use crate::{demo, forward_auth::ForwardAuth};

/// A proxy's question about its client's `GET /photos?page=2`, as the proxy's documentation has it.
fn nginx() -> http::request::Builder {
    let request = Request::get("/forward/nginx");
    request.header("x-original-method", "GET").header("x-original-uri", "/photos?page=2")
}

fn caddy() -> http::request::Builder {
    let request = Request::get("/forward/caddy").header("x-forwarded-for", "203.0.113.9");
    request.header("x-forwarded-method", "GET").header("x-forwarded-uri", "/photos?page=2")
}

fn traefik() -> http::request::Builder {
    let request = Request::get("/forward/traefik").header("x-forwarded-proto", "https");
    let request = request.header("x-forwarded-host", "example.com").header("x-forwarded-for", "203.0.113.9");
    request.header("x-forwarded-method", "GET").header("x-forwarded-uri", "/photos?page=2")
}

fn envoy() -> http::request::Builder {
    Request::get("/forward/envoy/photos?page=2").header("content-length", "0")
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    // nginx, Caddy and Traefik read any 2xx as admitted, Envoy reads 200 so, and with `failure_mode_allow` any 5xx too.
    let admitted = |response: &Response<Bytes>| response.status().is_success() || response.status().is_server_error();
    for proxy in [nginx, caddy, traefik, envoy] {
        let request = move || proxy().header("authorization", "Bearer 605b32dd").body(Bytes::new()).unwrap();
        let verdicts = || vec![Some(HeaderValue::from_static("good")), None];
        EndpointTest::new(ForwardAuth, request, verdicts, admitted).secrets(["605b32dd"]).assert_conforms().await;
    }
}

async fn ask(request: http::request::Builder) -> (u16, Option<HeaderValue>) {
    let mut response = crate::ask(demo::layer(ForwardAuth), request.body("").unwrap()).await;
    assert_eq!(response.headers().contains_key("www-authenticate"), response.status() == 401);
    assert_eq!(
        (response.body().as_str(), &response.headers()["cache-control"]),
        ("", &HeaderValue::from_static("no-store"))
    );
    (response.status().as_u16(), response.headers_mut().remove("x-auth-user"))
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_right_for_all_proxies() {
    for proxy in [nginx, caddy, traefik, envoy] {
        // Envoy admits at 200 alone.
        let good = HeaderValue::from_static("good");
        assert_eq!(ask(proxy().header("authorization", "Bearer 605b32dd")).await, (200, Some(good)));
        for (token, status) in [("guess", 401), ("broken", 403), ("panic", 403), ("slow", 403)] {
            assert_eq!(
                ask(proxy().header("authorization", format!("Bearer {token}"))).await,
                (status, None),
                "{token}"
            );
        }
        assert_eq!(ask(proxy()).await, (401, None));
        assert_eq!(ask(proxy().header("authorization", "Basic Z29vZDo2MDViMzJkZA==")).await, (401, None));
        let twice = proxy().header("authorization", "Bearer 605b32dd").header("authorization", "Bearer 605b32dd");
        assert_eq!(ask(twice).await, (401, None));
    }
}

#[tokio::test(start_paused = true)]
async fn each_proxy_is_believed_about_its_clients_uri_and_no_other_header_is() {
    let (open, closed) = ("/photos", "/admin/users");
    for (path, headers, status) in [
        ("/forward/nginx", [("x-original-uri", open), ("x-forwarded-uri", closed)], 200),
        ("/forward/nginx", [("x-original-uri", closed), ("x-forwarded-uri", open)], 401),
        ("/forward/nginx", [("x-original-uri", open), ("x-original-uri", closed)], 401),
        ("/forward/nginx", [("x-original-uri", "photos of the sea"), ("x-forwarded-uri", open)], 401),
        ("/forward/nginx", [("x-original-url", open), ("x-forwarded-uri", open)], 401),
        ("/forward/caddy", [("x-forwarded-uri", open), ("x-original-uri", closed)], 200),
        ("/forward/caddy", [("x-forwarded-uri", closed), ("x-original-uri", open)], 401),
        ("/forward/caddy", [("x-forwarded-uri", closed), ("x-forwarded-uri", open)], 401),
        ("/forward/traefik", [("x-forwarded-uri", open), ("x-original-uri", closed)], 200),
        ("/forward/traefik", [("x-forwarded-uri", closed), ("x-original-uri", open)], 401),
        ("/forward/envoy/photos", [("x-forwarded-uri", closed), ("x-original-uri", closed)], 200),
        ("/forward/envoy/admin/users", [("x-forwarded-uri", open), ("x-original-uri", open)], 401),
        ("/forward/envoy/forward/envoy/admin/users", [("x-forwarded-uri", open), ("x-original-uri", open)], 200),
        ("/forward/envoy", [("x-forwarded-uri", open), ("x-original-uri", open)], 401),
        ("/forward/haproxy", [("x-forwarded-uri", open), ("x-original-uri", open)], 401),
        ("/forward", [("x-forwarded-uri", open), ("x-original-uri", open)], 418),
    ] {
        let request = Request::get(path).header("authorization", "Bearer 605b32dd");
        let request = request.header("x-original-method", "GET").header("x-forwarded-method", "GET");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = crate::ask(demo::layer(ForwardAuth), request.body("").unwrap()).await;
        assert_eq!(response.status(), status, "{path} {headers:?}");
    }
}
