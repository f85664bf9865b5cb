//! The check of the example `nginx_cookie`, and its sessions.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use tower_verify::{VerifyLayer, conformance::EndpointTest, token::KeyRing};

use crate::session::{Session, Sessions, SiteCheck};

fn request(cookie: &str) -> Request<Bytes> {
    Request::get("/check").header("cookie", cookie).body(Bytes::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_positive_verdict_admits() {
    // nginx reads any 2xx as admitted.
    let success = |response: &Response<Bytes>| response.status().is_success();
    let verdicts = || vec![Some(HeaderValue::from_static("ada")), None];
    let request = || request("theme=dark; __Host-session=ada:site_1.605b32dd");
    EndpointTest::new(SiteCheck, request, verdicts, success).secrets(["605b32dd"]).assert_conforms().await;
}

#[tokio::test]
async fn a_logout_ends_all_sessions_of_its_user_and_no_others() {
    let sessions = Sessions::new(KeyRing::generate().unwrap(), Duration::from_secs(60)).unwrap();
    let begin = async |user: &str| {
        let cookie = sessions.begin(user).await.unwrap();
        cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    };
    let status = async |cookie: &str| {
        crate::ask(VerifyLayer::new(SiteCheck, sessions.clone()), request(cookie)).await.status().as_u16()
    };
    let end = async |cookie: &str| {
        let session = Session::take(request(cookie).headers_mut()).unwrap();
        assert!(sessions.end(session).await.unwrap().to_str().unwrap().starts_with("__Host-session=; Max-Age=0; "));
    };
    let (one, other, bob) = (begin("ada").await, begin("ada").await, begin("bob").await);
    // A cookie that is made up ends nothing.
    end("__Host-session=ada:site_1.guess").await;
    end(&bob.replace("bob", "ada")).await;
    assert_eq!((status(&one).await, status(&other).await, status(&bob).await), (200, 200, 200));
    end(&one).await;
    assert_eq!((status(&one).await, status(&other).await, status(&bob).await), (401, 401, 200));
    assert_eq!(status(&begin("ada").await).await, 200);
}
