use bytes::Bytes;
use http::Response;
use serde_json::Value;
use tower_verify::talkdesk::Validator;

use super::{answers, assert_caught, at_status, bodies, page, planted, reparsed, texts, with_header};
use crate::conformance::apps::{self, App};

fn app() -> App {
    apps::talkdesk(Validator::new())
}

fn json(change: fn(&mut Value)) -> App {
    texts(app(), move |text| {
        let Ok(mut body) = serde_json::from_str(text) else { return text.to_owned() };
        change(&mut body);
        body.to_string()
    })
}

fn granted() -> Response<Bytes> {
    let granted = Response::builder().header("content-type", "application/json").header("cache-control", "no-store");
    granted.body("{}".into()).unwrap()
}

#[tokio::test]
async fn faults() {
    let denied = "a secret without its last character";
    let faults = vec![
        planted("no challenge", with_header(app(), "www-authenticate", None), "TD-11", denied),
        planted(
            "answers that are stored",
            with_header(app(), "cache-control", None),
            "TD-11",
            "a denial is not stored",
        ),
        planted("200 with an error", at_status(app(), 401, 200), "TD-11", denied),
        planted("403 for a denial", at_status(app(), 401, 403), "TD-11", denied),
        planted("a redirect to a login", at_status(app(), 401, 302), "TD-11", denied),
        planted("a fraction is granted", json(|body| body["login_id"] = 1.5.into()), "TD-10", "the good fields"),
        planted("null is granted", json(|body| body["login_id"] = Value::Null), "TD-10", "the good fields"),
        planted(
            "an object is granted",
            json(|body| body["login"] = Value::Object(Default::default())),
            "TD-10",
            "the good fields",
        ),
        planted("an array is granted", texts(app(), |text| format!("[{text}]")), "TD-10", "the good fields"),
        planted("201 for a grant", at_status(app(), 200, 201), "TD-10", "the good fields"),
        planted("204 for a grant", at_status(app(), 200, 204), "TD-10", "the good fields"),
        planted(
            "the password in an error",
            texts(app(), |text| text.replace("not valid", "not valid: 605b-32dd")),
            "TD-11",
            denied,
        ),
        planted(
            "500 when the verifier fails",
            answers(app(), |_, answer| match String::from_utf8_lossy(answer.body()) {
                text if text.contains("server_error") => page(500, "the database of 605b-32ddX is away"),
                _ => answer,
            }),
            "TD-12",
            "a failing verifier",
        ),
        planted(
            "granted while the verifier fails",
            answers(app(), |_, answer| match String::from_utf8_lossy(answer.body()) {
                text if text.contains("server_error") => granted(),
                _ => answer,
            }),
            "TD-12",
            "a failing verifier",
        ),
        planted("401 for what is malformed", at_status(app(), 400, 401), "TD-5", "`auth` is missing"),
        planted(
            "the last of two fields is read",
            bodies(app(), |body| reparsed(body, |_| {})),
            "TD-4",
            "the secret is given twice, first a wrong one",
        ),
        planted(
            "a fraction is taken for text",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if value["auth"]["password"].is_f64() {
                        value["auth"]["password"] = "605b-32ddX".into();
                    }
                })
            }),
            "TD-3",
            "the secret is a fraction",
        ),
        planted(
            "an object is read as a query operator",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if let Some(operand) = value["auth"]["password"]["$ne"].as_str() {
                        value["auth"]["password"] = operand.into();
                    }
                })
            }),
            "TD-3",
            "the secret is an object",
        ),
        planted(
            "fields beside `auth` are read",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if value["auth"].is_null() {
                        *value = serde_json::json!({"auth": value});
                    }
                })
            }),
            "TD-5",
            "`auth` is missing",
        ),
        planted(
            "unknown members are refused",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if value.get("meta").is_some() {
                        *value = Value::Null;
                    }
                })
            }),
            "TD-6",
            "other members after `auth`",
        ),
        planted(
            "`auth` is looked for as it is written",
            bodies(app(), |body| String::from_utf8_lossy(body).replace(r"\u0061uth", "x").into_bytes()),
            "TD-5",
            "an escape in the name of `auth`",
        ),
        planted(
            "the last `auth` is read",
            bodies(app(), |body| reparsed(body, |_| {})),
            "TD-4",
            "`auth` is given twice, first a wrong one",
        ),
        planted(
            "a media type is required",
            answers(
                app(),
                |head, answer| {
                    if head.headers.contains_key("content-type") { answer } else { page(415, "send JSON") }
                },
            ),
            "TD-7",
            "no content type",
        ),
        planted(
            "413 as a page",
            answers(app(), |_, answer| match answer.status().as_u16() {
                413 => page(413, "too large"),
                _ => answer,
            }),
            "TD-14",
            "a body over the limit",
        ),
    ];
    assert_caught(&apps::talkdesk_calls().suite(), faults).await;
}
