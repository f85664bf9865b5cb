//! The app of the example `nginx_cookie`, asked as a browser and as nginx ask it.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{HeaderMap, Request, Response, header::SET_COOKIE};
use tower::ServiceExt;
use tower_verify::token::{Key, KeyRing, Signer};

use crate::{app::app, session::Sessions};

const GOOD: &str = "user=ada&password=605b32dd";

fn site(keys: &KeyRing, lifetime: Duration) -> Router {
    app(Sessions::new(keys.clone(), lifetime).unwrap())
}

fn new_site() -> Router {
    site(&KeyRing::generate().unwrap(), Duration::from_secs(60))
}

async fn send(site: &Router, request: Request<Body>) -> Response<Body> {
    site.clone().oneshot(request).await.unwrap()
}

fn post(target: &str, headers: &[(&str, &str)], form: &'static str) -> Request<Body> {
    let request = headers.iter().fold(Request::post(target), |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(form)).unwrap()
}

/// The cookie that a browser keeps of an answer, as it sends it back.
fn cookie(headers: &HeaderMap) -> String {
    let mut cookies = headers.get_all(SET_COOKIE).iter();
    let (cookie, None) = (cookies.next().expect("a cookie"), cookies.next()) else { panic!("two cookies") };
    cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn logged_in(site: &Router) -> String {
    cookie(send(site, post("/login", &[], GOOD)).await.headers())
}

/// The status of nginx's question about these cookies, and the user in its answer.
async fn check(site: &Router, cookies: &[&str]) -> (u16, Option<String>) {
    // nginx passes the browser's headers on: a made-up user is among them.
    let request = Request::get("/check").header("x-auth-user", "root");
    let request = cookies.iter().fold(request, |request, cookie| request.header("cookie", *cookie));
    let (head, _) = send(site, request.body(Body::empty()).unwrap()).await.into_parts();
    assert_eq!(head.headers.contains_key("www-authenticate"), head.status == 401);
    assert_eq!(head.headers["cache-control"], "no-store");
    assert!(!head.headers.contains_key(SET_COOKIE));
    let user = head.headers.get("x-auth-user").map(|user| user.to_str().unwrap().to_owned());
    (head.status.as_u16(), user)
}

#[tokio::test]
async fn a_login_issues_a_cookie_that_the_check_takes() {
    let site = new_site();
    let answer = send(&site, post("/login?next=/docs/a?b=c", &[], GOOD)).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/docs/a?b=c".parse().unwrap()));
    // The prefix `__Host-` needs `Secure`, `Path=/` and no `Domain` (RFC 6265bis, section 4.1.3.2).
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-session=ada:site_"), "{set}");
    assert!(set.ends_with("; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
    let cookie = cookie(answer.headers());
    assert_eq!(check(&site, &[&cookie]).await, (200, Some("ada".into())));
    assert_eq!(check(&site, &[&format!("theme=dark; {cookie}; lang=en")]).await, (200, Some("ada".into())));
}

#[tokio::test]
async fn a_wrong_login_gets_no_cookie() {
    let site = new_site();
    for (form, status) in [
        ("user=ada&password=605b32d", 403),
        ("user=ada&password=", 403),
        ("user=ada", 403),
        ("user=bob&password=605b32dd", 403),
        ("password=605b32dd", 403),
        ("", 403),
        ("user=ada&password=605b32dd&password=605b32dd", 400),
        ("user=ada&password=605b32dd%ff", 400),
    ] {
        let answer = send(&site, post("/login", &[], form)).await;
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key(SET_COOKIE)), (status, false), "{form}");
    }
}

#[tokio::test]
async fn a_login_leads_to_pages_of_this_site_alone() {
    let site = new_site();
    for target in ["//evil.example", "/\\evil.example", "https://evil.example/", "evil", ""] {
        let login = post(&format!("/login?next={target}"), &[], GOOD);
        assert_eq!(send(&site, login).await.headers()["location"], "/", "{target}");
    }
}

#[tokio::test]
async fn a_bad_expired_or_foreign_cookie_is_refused() {
    let keys = KeyRing::generate().unwrap();
    let site = site(&keys, Duration::from_secs(60));
    let good = logged_in(&site).await;
    let token = good.split_once(':').unwrap().1;
    let short = self::site(&keys, Duration::ZERO);
    let expired = logged_in(&short).await;
    assert_eq!(check(&short, &[&expired]).await, (401, None));
    let foreign = logged_in(&new_site()).await;
    let signer = Signer::new("site", "session", "", keys).unwrap();
    let unrecorded = signer.issue_for(b"ada", &[], Duration::from_secs(60)).unwrap().token;
    for (what, cookies) in [
        ("none", &[][..]),
        ("another cookie", &["session=ada:605b32dd"]),
        ("an empty one", &["__Host-session="]),
        ("a token without a user", &[&format!("__Host-session={token}")]),
        ("a made-up token", &["__Host-session=ada:site_1.guess"]),
        ("a shorter token", &[&good[..good.len() - 1]]),
        ("another user's name", &[&good.replace("ada", "bob")]),
        ("an expired cookie", &[&expired]),
        ("a cookie of another site's keys", &[&foreign]),
        ("a signed token of no login", &[&format!("__Host-session=ada:{}", unrecorded.expose_secret())]),
        ("the same cookie twice", &[&format!("{good}; {good}")]),
        ("two headers", &[&good, &good]),
        ("a made-up one before a good one", &[&format!("__Host-session=ada:site_1.guess; {good}")]),
    ] {
        assert_eq!(check(&site, cookies).await, (401, None), "{what}");
    }
    assert_eq!(check(&site, &[&good]).await.0, 200);
}

#[tokio::test]
async fn a_cookie_outlives_the_change_of_the_key() {
    let keys = KeyRing::generate().unwrap();
    let site = site(&keys, Duration::from_secs(60));
    let before = logged_in(&site).await;
    keys.sign_with(Key::generate().unwrap(), std::time::SystemTime::now() + Duration::from_secs(60)).unwrap();
    let after = logged_in(&site).await;
    assert_eq!((check(&site, &[&before]).await.0, check(&site, &[&after]).await.0), (200, 200));
}

#[tokio::test]
async fn a_logout_removes_the_cookie_and_ends_the_session() {
    let site = new_site();
    let good = logged_in(&site).await;
    let answer = send(&site, post("/logout", &[("cookie", &good)], "")).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/login".parse().unwrap()));
    let removed = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert_eq!(removed, "__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(check(&site, &[&good]).await, (401, None));
    // Nobody was logged in.
    let answer = send(&site, post("/logout", &[], "")).await;
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key(SET_COOKIE)), (303, false));
}

#[tokio::test]
async fn a_form_of_another_site_logs_nobody_in_or_out() {
    let site = new_site();
    let good = logged_in(&site).await;
    for other in ["cross-site", "same-site", "none"] {
        let answer = send(&site, post("/login", &[("sec-fetch-site", other)], GOOD)).await;
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key(SET_COOKIE)), (403, false), "{other}");
        let logout = post("/logout", &[("sec-fetch-site", other), ("cookie", &good)], "");
        assert_eq!(send(&site, logout).await.status(), 403, "{other}");
    }
    assert_eq!(check(&site, &[&good]).await.0, 200);
    let own = send(&site, post("/login", &[("sec-fetch-site", "same-origin")], GOOD)).await;
    assert_eq!(own.status(), 303);
}

#[tokio::test]
async fn the_page_behind_nginx_believes_nginx_alone() {
    let site = new_site();
    let ask = async |users: &[&str]| {
        let request = users.iter().fold(Request::get("/whoami"), |request, user| request.header("x-auth-user", *user));
        let answer = send(&site, request.body(Body::empty()).unwrap()).await;
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1024).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap())
    };
    assert_eq!(ask(&["ada"]).await, (200, "ada".into()));
    // Without nginx, or with a header that a browser added to nginx's own.
    assert_eq!((ask(&[]).await.0, ask(&["ada", "root"]).await.0), (403, 403));
}
