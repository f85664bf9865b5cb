use bytes::Bytes;
use http::{Request, Response};
use tower_verify::conformance::EndpointTest;

use crate::{demo, freeradius::FreeRadius};

/// The base64 of `good:605b32dd`.
const GOOD: &str = "Basic Z29vZDo2MDViMzJkZA==";

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let request = || {
        let request = Request::get("/user/good/mac/00-11-22?action=authenticate").header("authorization", GOOD);
        request.body(Bytes::new()).unwrap()
    };
    let success = |response: &Response<Bytes>| response.status().is_success();
    let test = EndpointTest::new(FreeRadius, request, || vec![true, false], success);
    test.secrets(["605b32dd", GOOD]).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn the_path_must_name_the_user_who_logs_in() {
    for (path, authorization, status) in [
        ("/user/good/mac/00-11-22?action=authenticate", GOOD, 204),
        ("/user/good%40example.com/mac/00-11-22", "Basic Z29vZEBleGFtcGxlLmNvbTo2MDViMzJkZA==", 204),
        ("/user/other/mac/00-11-22", GOOD, 401),
        ("/user/goo%64%/mac/00-11-22", GOOD, 401),
        ("/user/good/mac", "Basic Z29vZDp3cm9uZw==", 401),
        ("/user/good/mac", "", 401),
        ("/user/broken/mac", "Basic YnJva2VuOng=", 503),
        ("/user/panic/mac", "Basic cGFuaWM6eA==", 503),
        ("/user/slow/mac", "Basic c2xvdzp4", 503),
        ("/users/good", GOOD, 418),
    ] {
        let request = Request::get(path).header("authorization", authorization).body("").unwrap();
        let response = crate::ask(demo::layer(FreeRadius), request).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{path}");
    }
}
