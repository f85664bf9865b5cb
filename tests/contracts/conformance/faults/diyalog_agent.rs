use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tower_verify::diyalog::CustomerEndpoint;

use super::{assert_caught, planted, requests, targets, texts, with_header};
use crate::conformance::apps::{self, App};

fn app() -> App {
    apps::diyalog(CustomerEndpoint::new())
}

/// The app with its JSON answers changed.
fn json(change: fn(&mut Value)) -> App {
    texts(app(), move |text| {
        let Ok(mut body) = serde_json::from_str(text) else { return text.to_owned() };
        change(&mut body);
        body.to_string()
    })
}

#[tokio::test]
async fn faults_in_the_answer() {
    let faults = vec![
        planted(
            "success as a string",
            json(|body| body["success"] = body["success"].to_string().into()),
            "DY-22",
            "the good trio",
        ),
        planted(
            "success of every token",
            texts(app(), |text| text.replace("false", "true")),
            "DY-23",
            "an expired token",
        ),
        planted(
            "no result",
            json(|body| drop(body.as_object_mut().unwrap().remove("result"))),
            "DY-22",
            "the good trio",
        ),
        planted(
            "a result that is an object",
            json(|body| body["result"] = Value::Object(Default::default())),
            "DY-22",
            "the good trio",
        ),
        planted("an undocumented member", json(|body| body["user"] = "45186".into()), "DY-22", "the good trio"),
        planted(
            "an error message of null",
            texts(app(), |text| text.replace("\"token expired\"", "null")),
            "DY-23",
            "an expired token",
        ),
        planted(
            "an error message with a good token",
            texts(app(), |text| text.replace("45 186 verified", "45 186 verified\",\"errorMessage\":\"")),
            "DY-22",
            "the good trio",
        ),
        planted(
            "a member twice",
            texts(app(), |text| text.replace("{\"success\":true", "{\"success\":false,\"success\":true")),
            "DY-22",
            "the good trio",
        ),
        planted(
            "the token in the result",
            texts(app(), |text| text.replace("verified\"", "verified with b1f0-Token\"")),
            "DY-22",
            "the good trio",
        ),
        planted(
            "no verdict is success",
            texts(app(), |text| {
                text.replace("{\"success\":false,\"errorMessage\":\"token not verified\"", "{\"success\":true")
            }),
            "DY-23",
            "a failing verifier",
        ),
        planted(
            "text in place of JSON",
            with_header(app(), "content-type", Some("text/plain; charset=utf-8")),
            "DY-22",
            "the good trio",
        ),
        planted(
            "answers that are stored",
            with_header(app(), "cache-control", Some("max-age=60")),
            "DY-24",
            "a good answer is not stored",
        ),
    ];
    assert_caught(&apps::agent_calls(), faults).await;
}

type Pairs = Vec<(String, String)>;

/// The target with its query read by a careless decoder.
fn queries(change: fn(Pairs) -> Pairs) -> App {
    targets(app(), move |target| {
        let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs = change(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{path}?{}", pairs.join("&"))
    })
}

fn valued(value: &str) -> String {
    value.replace('%', "%25").replace(' ', "%20").replace('\0', "%00").replace('&', "%26")
}

#[tokio::test]
async fn faults_in_the_parser_and_in_front_of_it() {
    let faults = vec![
        planted(
            "a plus is no space",
            targets(app(), |target| target.replace('+', "%2B")),
            "DY-21",
            "a plus is a space",
        ),
        planted(
            "a lossy decoder",
            queries(|mut pairs| {
                for (_, value) in &mut pairs {
                    let text = value.replace('+', " ");
                    *value = valued(&percent_decode_str(&text).decode_utf8_lossy().replace('\u{fffd}', "_"));
                }
                pairs
            }),
            "DY-21",
            "an unknown parameter that is not UTF-8",
        ),
        planted(
            "bytes that are not UTF-8 are dropped",
            targets(app(), |target| target.replace("%ff", "")),
            "DY-21",
            "bytes that are not UTF-8 after `token`",
        ),
        planted(
            "text ends at a NUL",
            targets(app(), |target| target.replace("%00", "")),
            "DY-21",
            "a NUL after `token`",
        ),
        planted(
            "a value is decoded twice",
            targets(app(), |target| target.replace("%25", "%")),
            "DY-21",
            "`token` is encoded twice",
        ),
        planted(
            "the last of two parameters is read",
            queries(|mut pairs| {
                pairs.reverse();
                let mut names = std::collections::HashSet::new();
                pairs.retain(|(name, _)| names.insert(name.clone()));
                pairs
            }),
            "DY-21",
            "`token` is given twice, first a wrong one",
        ),
        planted(
            "names in any case",
            targets(app(), |target| target.replace("TOKEN", "token")),
            "DY-21",
            "`token` in another case",
        ),
        planted(
            "arrays are read",
            targets(app(), |target| target.replace("token[]", "token")),
            "DY-21",
            "`token` as the member of an array",
        ),
        planted(
            "semicolons separate",
            targets(app(), |target| target.replace(';', "&")),
            "DY-21",
            "semicolons in place of ampersands",
        ),
        planted(
            "an empty token is admitted",
            targets(app(), |target| {
                let empty = target.ends_with("&token=");
                if empty { format!("{target}b1f0-Token") } else { target.to_owned() }
            }),
            "DY-21",
            "`token` is empty",
        ),
        planted(
            "unknown parameters are refused",
            targets(app(), |target| target.replace("x=1&", "token=&")),
            "DY-21",
            "unknown parameters, one of them twice",
        ),
        planted(
            "the path in any case",
            targets(app(), |target| target.replace("checktoken", "CheckToken")),
            "DY-20",
            "the path in another case",
        ),
        planted(
            "a path below",
            targets(app(), |target| target.replace("/CheckToken/x", "/CheckToken")),
            "DY-20",
            "a path below is not answered",
        ),
        planted(
            "the caller's secret is read from the query",
            requests(app(), |mut request| {
                if request.uri().query().is_some_and(|query| query.ends_with("&auth-token=current-9c1d")) {
                    request.headers_mut().insert("auth-token", "current-9c1d".parse().unwrap());
                }
                request
            }),
            "DY-5",
            "a caller with its secret in the query",
        ),
        planted(
            "another method",
            requests(app(), |mut request| {
                if request.method() == Method::POST {
                    *request.method_mut() = Method::GET;
                }
                request
            }),
            "DY-20",
            "POST is not answered",
        ),
    ];
    assert_caught(&apps::agent_calls(), faults).await;
}
