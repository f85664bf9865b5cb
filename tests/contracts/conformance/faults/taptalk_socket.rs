use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY},
};

use super::{answers, assert_caught, at_status, by_method, page, planted, requests, targets, texts, with_header};
use crate::conformance::{
    apps::App,
    taptalk::{APP_KEY, pair},
    taptalk_socket::{DEVICE, SocketServer, socket_server},
};

/// The header's value, or "".
fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn set(request: &mut Request<Bytes>, name: &'static str, value: &str) {
    request.headers_mut().insert(name, value.parse().unwrap());
}

/// The app with the credential of the good app in each request of this kind.
fn forgiving(
    app: App,
    token: &str,
    is_forgiven: impl Fn(&Request<Bytes>) -> bool + Clone + Send + Sync + 'static,
) -> App {
    let (bearer, key) = (format!("Bearer {token}"), BASE64_STANDARD.encode(pair(APP_KEY)));
    requests(app, move |mut request| {
        if is_forgiven(&request) {
            *request.uri_mut() = request.uri().path().parse().unwrap();
            set(&mut request, "authorization", &bearer);
            set(&mut request, "app-key", &key);
            set(&mut request, "device-identifier", DEVICE);
        }
        request
    })
}

/// The app that takes one token of a header for another.
fn takes_for(app: App, is_taken: impl Fn(&str) -> bool + Clone + Send + Sync + 'static, token: &str) -> App {
    forgiving(app, token, move |request| {
        value(request.headers(), "authorization").strip_prefix("Bearer ").is_some_and(&is_taken)
    })
}

#[tokio::test]
async fn faults_of_the_guard() {
    let SocketServer { app, calls, good, expired, refresh, ended, .. } = socket_server().await;
    let (app, good) = (|| app.clone(), good.expose_secret());
    let key_of = |request: &Request<Bytes>| {
        let key = BASE64_STANDARD.decode(value(request.headers(), "app-key")).unwrap_or_default();
        String::from_utf8(key).unwrap_or_default()
    };
    let is_key = move |id: &'static str| move |request: &Request<Bytes>| key_of(request).starts_with(id);
    let taken = |token: &tower_verify::Secret| {
        let taken = token.expose_secret().to_owned();
        takes_for(app(), move |token| token == taken, good)
    };
    let token = good.to_owned();
    let any_case = takes_for(app(), move |given| given.eq_ignore_ascii_case(&token), good);
    let token = good.to_owned();
    let prefix = takes_for(app(), move |given| given.starts_with(&token), good);
    let nobody = |request: &Request<Bytes>| {
        !request.headers().contains_key(AUTHORIZATION) && !request.uri().to_string().contains("authorization=")
    };
    let says_check = |request: &Request<Bytes>| request.uri().query() == Some("check=1");
    let header_first = requests(app(), |mut request| {
        if request.headers().contains_key(AUTHORIZATION) {
            *request.uri_mut() = request.uri().to_string().replace("authorization=", "x=").parse().unwrap();
        }
        request
    });
    let query_first = requests(app(), |mut request| {
        if request.uri().to_string().contains("authorization=") {
            request.headers_mut().remove(AUTHORIZATION);
        }
        request
    });
    let first_key = requests(app(), |mut request| {
        let first = request.headers().get("app-key").cloned();
        first.and_then(|first| request.headers_mut().insert("app-key", first));
        request
    });
    let faults = vec![
        planted("anybody gets in", forgiving(app(), good, nobody), "TT-40101", "an upgrade without Authorization"),
        planted(
            "`check=1` is not guarded",
            forgiving(app(), good, says_check),
            "TT-12",
            "an upgrade that says `check=1` with a made-up token",
        ),
        planted(
            "the query is not read",
            targets(app(), |target| target.split('?').next().unwrap().to_owned()),
            "TT-12",
            "the web SDK opens the socket",
        ),
        planted(
            "the headers are not read",
            requests(app(), |mut request| {
                request.headers_mut().remove(AUTHORIZATION);
                request
            }),
            "TT-12",
            "the Android and iOS SDKs open the socket",
        ),
        planted(
            "the last of two values counts",
            targets(app(), |target| match target.matches("authorization=").count() {
                2 => target.replacen("authorization=", "x=", 1),
                _ => target.to_owned(),
            }),
            "TT-12",
            "the web SDK: `authorization` is given twice, first a wrong one",
        ),
        planted(
            "a header beats the query",
            header_first,
            "TT-12",
            "the web SDK: a made-up token in the query, and a good one in a header",
        ),
        planted(
            "the query beats a header",
            query_first,
            "TT-12",
            "the web SDK: a good token in the query, and a made-up one in a header",
        ),
        planted(
            "bytes that are not UTF-8 are dropped",
            targets(app(), |target| target.replace("%ff", "").replace("%FF", "")),
            "TT-12",
            "the web SDK: bytes that are not UTF-8 after `authorization`",
        ),
        planted(
            "names of parameters in any case",
            targets(app(), |target| target.replace("AUTHORIZATION=", "authorization=")),
            "TT-12",
            "the web SDK: `authorization` in another case",
        ),
        planted("the first of two App-Keys counts", first_key, "TT-49102", "two App-Keys"),
        planted("an expired token opens", taken(&expired), "TT-40103", "an expired token in a header"),
        planted("a refresh token opens", taken(&refresh), "TT-40103", "a refresh token in a header"),
        planted("a login that has ended opens", taken(&ended), "TT-4", "a token whose login has ended in a header"),
        planted("tokens in any case", any_case, "TT-40103", "an upgrade with the token in another case"),
        planted("tokens that begin with a good one", prefix, "TT-40103", "an upgrade with a longer token"),
        planted(
            "a token alone",
            requests(app(), |mut request| {
                let token = value(request.headers(), "authorization").to_owned();
                if !token.is_empty() && !token.contains(' ') {
                    set(&mut request, "authorization", &format!("Bearer {token}"));
                }
                request
            }),
            "TT-40101",
            "an upgrade with a token alone",
        ),
        planted("another app's key", forgiving(app(), good, is_key("other")), "TT-40105", "the App-Key of another app"),
        planted("a suspended key", forgiving(app(), good, is_key("Suspended")), "TT-49201", "a suspended App-Key"),
        planted(
            "any device",
            requests(app(), |mut request| {
                if request.headers().contains_key("device-identifier") {
                    set(&mut request, "device-identifier", DEVICE);
                }
                request
            }),
            "TT-11",
            "another device",
        ),
        planted(
            "no device is any device",
            requests(app(), |mut request| {
                if request.uri().query().is_none() && !request.headers().contains_key("device-identifier") {
                    set(&mut request, "device-identifier", DEVICE);
                }
                request
            }),
            "TT-11",
            "no device",
        ),
        planted("open in an outage", forgiving(app(), good, is_key("outage")), "TT-50001", "a failing verifier"),
        planted(
            "expired is invalid",
            texts(app(), |text| text.replace("40104", "40103")),
            "TT-40103",
            "an expired token in the query",
        ),
        planted(
            "an error page in an outage",
            answers(app(), |_, answer| match answer.status() {
                StatusCode::INTERNAL_SERVER_ERROR => page(502, "the store is away"),
                _ => answer,
            }),
            "TT-50001",
            "a failing verifier",
        ),
        planted(
            "a redirect to a login",
            answers(app(), |_, answer| match answer.status() {
                StatusCode::UNAUTHORIZED => page(302, "log in"),
                _ => answer,
            }),
            "TT-40101",
            "an upgrade without Authorization",
        ),
        planted(
            "403 over a body that says 401",
            at_status(app(), 401, 403),
            "TT-40103",
            "an upgrade with a made-up token",
        ),
        planted(
            "no challenge",
            with_header(app(), "www-authenticate", None),
            "TT-40101",
            "an upgrade without Authorization",
        ),
        planted(
            "refusals that are stored",
            with_header(app(), "cache-control", None),
            "TT-8",
            "a refusal is not stored",
        ),
        planted(
            "the token in an answer",
            answers(app(), |head, mut answer| {
                let token = value(&head.headers, "authorization").parse().unwrap();
                answer.headers_mut().insert("x-token", token);
                answer
            }),
            "TT-12",
            "the Android and iOS SDKs open the socket",
        ),
    ];
    assert_caught(&calls.suite(), faults).await;
}

#[tokio::test]
async fn faults_of_the_handshake() {
    let SocketServer { app, calls, .. } = socket_server().await;
    let app = || app.clone();
    let accept = |accept: fn(&str) -> String| {
        answers(app(), move |head, mut answer| {
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                let accept = accept(value(&head.headers, "sec-websocket-key")).parse().unwrap();
                answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
            }
            answer
        })
    };
    let with = |name: &'static str, value: &'static str| {
        requests(app(), move |mut request| {
            set(&mut request, name, value);
            request
        })
    };
    let faults = vec![
        planted(
            "the socket is opened, and then closed",
            at_status(app(), 401, 101),
            "TT-40101",
            "an upgrade without Authorization",
        ),
        planted("the key is echoed", accept(str::to_owned), "TT-12", "the web SDK opens the socket"),
        planted(
            "the answer to another key",
            accept(|_| "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned()),
            "TT-12",
            "the same token opens another socket",
        ),
        planted(
            "no answer to the key",
            with_header(app(), "sec-websocket-accept", None),
            "TT-12",
            "the web SDK opens the socket",
        ),
        planted(
            "a proxy that ends `Upgrade`",
            with_header(app(), "upgrade", None),
            "TT-12",
            "the web SDK opens the socket",
        ),
        planted(
            "a proxy that closes",
            answers(app(), |_, mut answer| {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                answer
            }),
            "TT-12",
            "the web SDK opens the socket",
        ),
        planted(
            "a subprotocol that nobody asked for",
            with_header(app(), "sec-websocket-protocol", Some("chat")),
            "TT-12",
            "the web SDK opens the socket",
        ),
        planted("200 in place of 101", at_status(app(), 101, 200), "TT-12", "the Android and iOS SDKs open the socket"),
        planted("POST upgrades", by_method(app(), Method::GET), "TT-12", "POST is not answered"),
        planted("any version", with("sec-websocket-version", "13"), "TT-12", "a Sec-WebSocket-Version that is not 13"),
        planted(
            "only the documented spelling",
            answers(app(), |head, answer| match value(&head.headers, "connection") {
                "Upgrade" => answer,
                _ => page(400, "Connection must be Upgrade"),
            }),
            "TT-12",
            "an upgrade as Firefox spells it",
        ),
        planted(
            "an upgrade without a key",
            requests(app(), |mut request| {
                request
                    .headers_mut()
                    .entry(SEC_WEBSOCKET_KEY)
                    .or_insert(HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA=="));
                request
            }),
            "TT-12",
            "no Sec-WebSocket-Key",
        ),
        planted(
            "a prefix of the path",
            targets(app(), |target| target.replace("/connectx", "/connect")),
            "TT-12",
            "a longer path is not answered",
        ),
    ];
    assert_caught(&calls.suite(), faults).await;
}
