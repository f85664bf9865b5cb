use bytes::Bytes;
use http::{Request, Response};
use tower_verify::conformance::EndpointTest;

use crate::{demo, rmqtt::Rmqtt};

/// Every 2xx admits whose body is not `deny`. Every other status leaves the decision to the next plugin, and the last one
/// lets in by default.
fn may_be_admitted(response: &Response<Bytes>) -> bool {
    !(response.status().is_success() && response.body() == "deny")
}

const CONNECT: &str = "clientid=device-7&username=good&password=605b32dd&protocol=mqtt";
const PUBLISH: &str = "access=2&username=good&clientid=device-7&ipaddr=127.0.0.1&topic=good%2F1&protocol=mqtt";

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    let verdicts = || vec![true, false];
    let connect = || Request::post("/mqtt/auth").body(CONNECT.into()).unwrap();
    let publish = || Request::post("/mqtt/acl").body(PUBLISH.into()).unwrap();
    EndpointTest::new(Rmqtt, connect, verdicts, may_be_admitted).secrets(["605b32dd"]).assert_conforms().await;
    EndpointTest::new(Rmqtt, publish, verdicts, may_be_admitted).assert_conforms().await;
}

#[tokio::test(start_paused = true)]
async fn connections_and_topics() {
    for (path, form, good) in [
        ("auth", CONNECT, true),
        ("auth", "clientid=device-7&username=good&password=guess&protocol=mqtt", false),
        ("auth", "clientid=device-7&username=&password=&protocol=mqtt", false),
        ("auth", "username=broken&password=605b32dd", false),
        ("auth", "username=panic&password=605b32dd", false),
        ("auth", "username=slow&password=605b32dd", false),
        ("auth", "username=good&password=605b32dd&password=605b32dd", false),
        ("auth", PUBLISH, false),
        ("acl", PUBLISH, true),
        ("acl", "access=1&username=good&topic=good%2F1", true),
        ("acl", "access=1&username=good&topic=%23", false),
        ("acl", "access=3&username=good&topic=good%2F1", false),
        ("acl", CONNECT, false),
        ("other", CONNECT, false),
        ("auth", "%", false),
    ] {
        let request = Request::post(format!("/mqtt/{path}")).body(form).unwrap();
        let response = crate::ask(demo::layer(Rmqtt), request).await;
        let word = if good { "allow" } else { "deny" };
        assert_eq!((response.status().as_u16(), response.body().as_str()), (200, word), "{path} {form}");
        for header in ["x-superuser", "x-cache"] {
            assert!(!response.headers().contains_key(header));
        }
    }
}
