//! Each vector names the conformance check that makes its call, or says why there is none.
//!
//! The names are held by the answers: a conforming server answers the check as the vector is answered.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
};

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tower_verify::{
    conformance::Suite,
    diyalog::{CustomerEndpoint, Vocabulary},
    talkdesk::{LaterCalls, Validator},
};

use super::{
    apps::{self, App},
    faults, taptalk,
};
use crate::vectors::{self, Vector};

/// The options of a vector that the builder of its suite has, too.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    no_verdict_status: Option<u16>,
    #[serde(default)]
    legacy_no_content: bool,
    vocabulary: Option<String>,
    #[serde(default)]
    quoted: bool,
}

/// The answers of a conforming server to the checks, by row and name.
type Answers = HashMap<String, Answer>;

struct Answer {
    status: u16,
    word: String,
}

#[tokio::test]
async fn each_vector_is_played_or_says_why_not() {
    let mut played = HashMap::<(String, Options), Answers>::new();
    let mut wrong = Vec::new();
    for file in ["talkdesk.json", "diyalog.json", "taptalk.json"] {
        for vector in vectors::read(file) {
            let check = match (&vector.played, &vector.not_played) {
                (Some(check), None) => check,
                (None, Some(_)) => continue,
                _ => panic!("{:?} must have `played` or `not_played`", vector.name),
            };
            let options: Options = vector.options.own();
            let answers = match played.entry((vector.endpoint.clone(), options.clone())) {
                Entry::Occupied(answers) => answers.into_mut(),
                Entry::Vacant(place) => place.insert(answers(&vector.endpoint, options).await),
            };
            match answers.get(check) {
                Some(answer) if is_like(&vector, answer) => {}
                Some(Answer { status, word }) => {
                    wrong.push(format!("{:?}: {check} is answered {status} {word}", vector.name));
                }
                None => wrong.push(format!("{:?}: there is no check {check}", vector.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the check is answered as the vector is. Behind the endpoint, a vector has an app that takes every call; the
/// conforming servers have one that knows their routes alone.
fn is_like(vector: &Vector, answer: &Answer) -> bool {
    if vector.answer.headers.contains_key("app") {
        let guarded = vector.endpoint == "talkdesk_guard" && answer.status / 100 == 2;
        return guarded || answer.status == 404;
    }
    (vector.answer.status, word(&vector.answer.body)) == (answer.status, answer.word.clone())
}

/// The part of a body that a platform reads: its word, or its code.
fn word(body: &str) -> String {
    let Ok(json) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    let members: &[&str] = match json.pointer("/error/code") {
        Some(_) => &["/error/code", "/error/field"],
        None if json["success"] == false => &["/success", "/result"],
        None => &["/success", "/error"],
    };
    let members: Vec<_> = members.iter().filter_map(|member| json.pointer(member)).map(Value::to_string).collect();
    members.join(" ")
}

/// Plays the suite of the endpoint's platform.
async fn answers(endpoint: &str, options: Options) -> Answers {
    let (suite, app) = suite(endpoint, options).await;
    let last = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&last);
    let app = faults::answers(app, move |_, answer| {
        let word = word(&String::from_utf8_lossy(answer.body()));
        *kept.lock().unwrap() = Some(Answer { status: answer.status().as_u16(), word });
        answer
    });
    let mut answers = Answers::new();
    let report = suite.run_with(app, |report| {
        let check = report.findings().last().expect("a check was run");
        let answer = last.lock().unwrap().take().expect("the check was answered");
        answers.insert(format!("{} {}", check.row(), check.name()), answer);
    });
    super::assert_complete(&report.await);
    answers
}

async fn suite(endpoint: &str, options: Options) -> (Suite, App) {
    let status = options.no_verdict_status.map(|status| StatusCode::from_u16(status).unwrap());
    match endpoint {
        "talkdesk_validator" => {
            let status = status.unwrap_or(StatusCode::UNAUTHORIZED);
            let calls = apps::talkdesk_calls().no_verdict_status(status.as_u16());
            let validator = Validator::new().no_verdict_status(status).unwrap();
            let validator = validator.legacy_no_content(options.legacy_no_content);
            (calls.legacy_no_content(options.legacy_no_content).suite(), apps::talkdesk(validator))
        }
        "talkdesk_guard" => {
            let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let calls = apps::later_calls().no_verdict_status(status.as_u16());
            let contract = LaterCalls::new().no_verdict_status(status).unwrap();
            (calls.suite(), apps::talkdesk_later(contract))
        }
        "diyalog_customer" => {
            let vocabulary = || match options.vocabulary.as_deref() {
                Some("older") => Vocabulary::Older,
                _ => Vocabulary::Current,
            };
            let calls = apps::customer_calls().vocabulary(vocabulary()).quoted(options.quoted);
            let endpoint = CustomerEndpoint::new().vocabulary(vocabulary()).quoted(options.quoted);
            (calls.suite(), apps::diyalog(endpoint))
        }
        "diyalog_agent" => (apps::agent_calls(), apps::diyalog(CustomerEndpoint::new())),
        "taptalk_auth_ticket" | "taptalk_access_token" | "taptalk_connect" | "taptalk_refresh" => {
            let (app, calls) = taptalk::ticket_server().await;
            (calls.suite(), app)
        }
        other => panic!("there is no suite for {other}"),
    }
}
