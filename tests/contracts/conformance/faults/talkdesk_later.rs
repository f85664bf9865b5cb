use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower_verify::talkdesk::LaterCalls;

use super::{
    Planted, answers, assert_caught, at_status, bodies, by_method, lenient, page, planted, reparsed, requests,
    with_header,
};
use crate::conformance::apps::{self, App};

const GOOD: &str = r#"{"auth":{"username":"john@example.com","login_id":12,"on":true,"token":"605b-32ddX"}}"#;

fn app() -> App {
    apps::talkdesk_later(LaterCalls::new())
}

/// The app with another JSON answer of one route, if that is a good one.
fn answer(path: &'static str, change: fn(&mut Value)) -> App {
    answers(app(), move |head, answer| {
        if head.uri.path() != path || !answer.status().is_success() {
            return answer;
        }
        answer.map(|body| {
            let mut body = serde_json::from_slice(&body).unwrap();
            change(&mut body);
            body.to_string().into()
        })
    })
}

/// A server that takes these requests for a good call, in which a text is the body.
fn admits(takes: fn(&Request<Bytes>, &str) -> bool) -> App {
    requests(app(), move |request| {
        let text = String::from_utf8_lossy(request.body()).into_owned();
        if takes(&request, &text) { Request::post("/agents").body(GOOD.into()).unwrap() } else { request }
    })
}

/// A server that reads the fields of `auth` in another way.
fn auth(change: fn(&mut Value)) -> App {
    bodies(app(), move |body| {
        reparsed(body, |value| value.get_mut("auth").filter(|auth| auth.is_object()).into_iter().for_each(change))
    })
}

fn is_without_auth(text: &str) -> bool {
    lenient(text.as_bytes()).is_none_or(|body| body["auth"].is_null())
}

/// A server without a verdict, whose answer is another one.
fn without_verdict(answer: fn() -> Response<Bytes>) -> App {
    answers(app(), move |_, given| if given.status() == 503 { answer() } else { given })
}

async fn assert_all_caught(faults: impl IntoIterator<Item = Planted>) {
    assert_caught(&apps::later_calls().suite(), faults.into_iter().collect()).await;
}

#[tokio::test]
async fn faults_of_the_routes() {
    let contacts = |fault, change| planted(fault, answer("/contacts", change), "TD-20", "contact synchronization");
    let agents = |fault, change| planted(fault, answer("/agents", change), "TD-21", "agent synchronization");
    let activity = |fault, change| planted(fault, answer("/activity", change), "TD-22", "contact activity");
    assert_all_caught([
        contacts("contacts without an envelope", |body| *body = body["contacts"].take()),
        contacts("no contacts", |body| body["contacts"] = Value::Null),
        contacts("a contact without its id", |body| body["contacts"] = json!([{"name": "Ada"}])),
        contacts("a number as the next offset", |body| body["next_offset"] = json!(2)),
        contacts("null as the next offset", |body| body["next_offset"] = Value::Null),
        contacts("a member that nobody knows", |body| body["total"] = json!(1)),
        planted(
            "the offset is not understood",
            answers(app(), |head, answer| match head.uri.path() {
                "/contacts" if answer.body().starts_with(br#"{"contacts":[{"id":"2""#) => page(500, "nil"),
                _ => answer,
            }),
            "TD-20",
            "contact synchronization, the next page",
        ),
        planted(
            "no changes are a 204",
            answers(app(), |head, mut answer| {
                if head.uri.path() == "/contacts" && answer.body() == r#"{"contacts":[]}"# {
                    *answer.status_mut() = StatusCode::NO_CONTENT;
                }
                answer
            }),
            "TD-20",
            "contact synchronization since the last one",
        ),
        agents("agents by their ids", |body| body["agents"] = json!({"1": {"name": "John"}})),
        agents("an agent without an address", |body| body["agents"] = json!([{"id": "1", "name": "John"}])),
        agents("a text as the next offset", |body| body["next_offset"] = json!("1")),
        planted(
            "agents as text",
            with_header(app(), "content-type", Some("text/plain")),
            "TD-21",
            "agent synchronization",
        ),
        planted(
            "`meta` is required",
            bodies(app(), |body| {
                if lenient(body).is_some_and(|body| body["meta"].is_null()) { b"{}".into() } else { body.into() }
            }),
            "TD-21",
            "agent synchronization without `meta`",
        ),
        planted("agents are told by GET", by_method(app(), Method::POST), "TD-21", "GET is not answered"),
        activity("an activity in an envelope", |body| *body = json!({"interactions": body})),
        activity("an activity of texts", |body| *body = json!(["late"])),
        planted(
            "no activity is null",
            answer("/activity", |body| *body = if body == &json!([]) { Value::Null } else { body.take() }),
            "TD-22",
            "contact activity of an unknown contact",
        ),
        planted("an action is answered with 200", at_status(app(), 201, 200), "TD-23", "an action"),
        planted("an action is answered with 202", at_status(app(), 201, 202), "TD-23", "an action"),
        planted("an action is answered with 422", at_status(app(), 400, 422), "TD-23", "an action for no contact"),
    ])
    .await;
}

#[tokio::test]
async fn faults_of_the_guard() {
    let denied = "a secret without its last character";
    let wrong = |fault, app, check| planted(fault, app, "TD-24", check);
    assert_all_caught([
        wrong("no challenge", with_header(app(), "www-authenticate", None), denied),
        wrong("400 for a denial", at_status(app(), 401, 400), denied),
        wrong("403 for a denial", at_status(app(), 401, 403), denied),
        wrong("200 with an error", at_status(app(), 401, 200), denied),
        wrong("a redirect to a login", at_status(app(), 401, 302), denied),
        wrong(
            "the token in an error",
            answers(
                app(),
                |_, answer| if answer.status() == 401 { answer.map(|_| "605b-32dd is wrong".into()) } else { answer },
            ),
            denied,
        ),
        wrong(
            "a prefix of the secret is enough",
            auth(|auth| {
                if auth["token"] == "605b-32dd" {
                    auth["token"] = json!("605b-32ddX")
                }
            }),
            denied,
        ),
        wrong(
            "the secret's case is ignored",
            auth(|auth| {
                if auth["token"] == "605B-32DDx" {
                    auth["token"] = json!("605b-32ddX")
                }
            }),
            "a secret in another case",
        ),
        wrong(
            "the secret is trimmed",
            auth(|auth| {
                auth["token"] = auth["token"].as_str().map_or(auth["token"].clone(), |text| text.trim().into())
            }),
            "a secret with a space after it",
        ),
        wrong(
            "names are read in any case",
            auth(|auth| {
                if let Some(token) = auth.as_object_mut().and_then(|auth| auth.remove("TOKEN")) {
                    auth["token"] = token;
                }
            }),
            "the secret's name in another case",
        ),
        wrong(
            "an integer is a secret",
            auth(|auth| {
                if auth["token"] == 7 {
                    auth["token"] = json!("605b-32ddX")
                }
            }),
            "the secret is an integer",
        ),
        wrong(
            "the values are looked for in any field",
            auth(|auth| {
                if auth["username"] == "605b-32ddX" {
                    auth["token"] = auth["username"].take();
                    auth["username"] = json!("john@example.com")
                }
            }),
            "two values in each other's place",
        ),
        wrong("no field is enough", admits(|_, text| text.contains(r#""auth":{}"#)), "no field"),
        wrong(
            "the last of two fields is read",
            bodies(app(), |body| reparsed(body, |_| {})),
            "the secret is given twice, first a wrong one",
        ),
        wrong(
            "a second `auth` is not looked for",
            admits(|_, text| text.starts_with(GOOD.trim_end_matches("}}"))),
            "`auth` is given twice, far apart",
        ),
        wrong(
            "`auth` is found anywhere",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if value["auth"].is_null() {
                        value["auth"] = value["meta"]["auth"].take()
                    }
                })
            }),
            "`auth` inside `meta`",
        ),
        wrong(
            "fields beside `auth` are read",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if value.get("auth").is_none() {
                        let mut auth = value.clone();
                        auth.as_object_mut().unwrap().remove("meta");
                        value["auth"] = auth;
                    }
                })
            }),
            "`auth` is missing",
        ),
        wrong(
            "text that has the good fields is enough",
            admits(|_, text| text.contains("605b-32ddX")),
            "a body that breaks off",
        ),
        wrong("415 for what is no JSON", at_status(app(), 401, 415), "no body"),
    ])
    .await;
}

#[tokio::test]
async fn faults_beside_the_guard() {
    let open = |fault, takes, check| planted(fault, admits(takes), "TD-24", check);
    assert_all_caught([
        open(
            "contacts are open",
            |request, text| request.uri() == "/contacts" && is_without_auth(text),
            "contact synchronization without `auth`",
        ),
        open(
            "contacts are open with any secret",
            |request, text| request.uri() == "/contacts" && text.contains("made-up"),
            "contact synchronization with a made-up secret",
        ),
        open(
            "GET is open",
            |request, _| request.method() == Method::GET,
            "agent synchronization by GET, without `auth`",
        ),
        open("PUT is open", |request, _| request.method() == Method::PUT, "an action by PUT, without `auth`"),
        open(
            "a slash more is open",
            |request, _| request.uri() == "/agents/",
            "agent synchronization by a longer path, without `auth`",
        ),
        open(
            "two slashes are open",
            |request, _| request.uri() == "//agents",
            "agent synchronization by a path of two slashes, without `auth`",
        ),
        open(
            "a dot segment is open",
            |request, _| request.uri() == "/./agents",
            "agent synchronization by a path with a dot, without `auth`",
        ),
        open(
            "capitals are open",
            |request, _| request.uri() == "/AGENTS",
            "agent synchronization by a path in capitals, without `auth`",
        ),
        open(
            "an encoded letter is open",
            |request, _| request.uri() == "/agent%73",
            "agent synchronization by an encoded path, without `auth`",
        ),
        open(
            "a query is open",
            |request, _| request.uri().query().is_some(),
            "agent synchronization with a query, without `auth`",
        ),
    ])
    .await;
}

#[tokio::test]
async fn faults_of_an_outage_and_of_the_form() {
    let form = |fault, row, refuses: fn(&str) -> bool, check| {
        let app =
            bodies(app(), move |body| if refuses(&String::from_utf8_lossy(body)) { b"{}".into() } else { body.into() });
        planted(fault, app, row, check)
    };
    let outage = |fault, answer, check| planted(fault, without_verdict(answer), "TD-25", check);
    assert_all_caught([
        outage(
            "401 when the verifier fails",
            || Response::builder().status(401).header("www-authenticate", "x").body(Bytes::new()).unwrap(),
            "agent synchronization and a failing verifier",
        ),
        outage(
            "500 when the verifier fails",
            || page(500, "the database is away"),
            "contact activity and a failing verifier",
        ),
        outage(
            "let in while the verifier fails",
            || Response::new("[]".into()),
            "contact activity and a failing verifier",
        ),
        outage(
            "the token in an outage's page",
            || page(503, "the database of 605b-32ddX is away"),
            "an action and a failing verifier",
        ),
        form("the fields have an order", "TD-1", |text| text.contains(r#""auth":{"token""#), "fields in another order"),
        form("escapes are not read", "TD-2", |text| text.contains(r"\u0036"), "values with escapes"),
        form("white space is not read", "TD-5", |text| text.starts_with('\r'), "white space"),
        form("`auth` comes first", "TD-6", |text| !text.starts_with(r#"{"auth""#), "other members before `auth`"),
        form("unknown members are refused", "TD-6", |text| text.contains(r#""x":{"#), "other members after `auth`"),
        planted(
            "a chunked body is not read",
            requests(app(), |request| {
                if request.headers().contains_key("transfer-encoding") {
                    request.map(|_| Bytes::new())
                } else {
                    request
                }
            }),
            "TD-24",
            "a chunked body",
        ),
        planted("413 as 400", at_status(app(), 413, 400), "TD-14", "a body over the limit"),
        planted("no limit", admits(|request, _| request.body().len() > 128 * 1024), "TD-14", "a body over the limit"),
    ])
    .await;
}
