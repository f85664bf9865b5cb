use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use super::{answers, assert_caught, bodies, page, planted, reparsed, requests, texts, with_header};
use crate::conformance::{apps::App, taptalk};

/// The app with its JSON answers changed.
fn json(app: App, change: fn(&mut Value)) -> App {
    texts(app, move |text| {
        let Ok(mut body) = serde_json::from_str(text) else { return text.to_owned() };
        change(&mut body);
        body.to_string()
    })
}

fn error_without(app: App, member: &'static str) -> App {
    texts(app, move |text| {
        let Ok(mut body) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
        body["error"].as_object_mut().unwrap().remove(member);
        body.to_string()
    })
}

#[tokio::test]
async fn faults_of_a_ticket_server() {
    let (app, calls) = taptalk::ticket_server().await;
    let app = || app.clone();
    let first_answers = Arc::new(Mutex::new(HashMap::<String, (StatusCode, Bytes)>::new()));
    let replayed = answers(app(), move |head, answer| {
        let token = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if head.uri.path() != "/v1/auth/access_token/request" || !answer.status().is_success() || token.is_empty() {
            return answer;
        }
        let mut known = first_answers.lock().unwrap();
        let (status, body) = known.entry(token.to_owned()).or_insert_with(|| (answer.status(), answer.body().clone()));
        let mut answer = Response::new(body.clone());
        *answer.status_mut() = *status;
        answer.headers_mut().insert("content-type", "application/json".parse().unwrap());
        answer.headers_mut().insert("cache-control", "no-store".parse().unwrap());
        answer
    });
    let http_401 = answers(app(), |_, mut answer| {
        if answer.body().starts_with(b"{\"status\":401") {
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
        }
        answer
    });
    let any_device = requests(app(), |mut request| {
        if request.headers().contains_key("device-identifier") {
            request.headers_mut().insert("device-identifier", "conformance-1".parse().unwrap());
        }
        request
    });
    let logout = answers(app(), |head, answer| match head.uri.path() {
        "/v1/client/logout" => answer.map(|body| String::from_utf8_lossy(&body).replace("40103", "40104").into()),
        _ => answer,
    });
    let idle_logout = requests(app(), |mut request| {
        if request.uri().path() == "/v1/client/logout" && request.headers().contains_key("app-key") {
            *request.uri_mut() = "/connect?check=1".parse().unwrap();
            *request.method_mut() = http::Method::GET;
        }
        request
    });
    let bytes_counted = bodies(app(), |body| {
        reparsed(body, |value| {
            if value["xcUserID"].as_str().is_some_and(|id| id.len() > 50) {
                value["xcUserID"] = "a".repeat(51).into();
            }
        })
    });
    let faults = vec![
        planted("HTTP 401", http_401, "TT-40103", "an access token in place of a ticket"),
        planted("no `error.field`", error_without(app(), "field"), "TT-6", "a ticket"),
        planted(
            "no `error.message`",
            error_without(app(), "message"),
            "TT-40001",
            "a ticket request without Server-Key",
        ),
        planted("a message of null", json(app(), |body| body["error"]["message"] = Value::Null), "TT-6", "a ticket"),
        planted(
            "no `error` in good answers",
            json(app(), |body| {
                if body["status"] == 200 {
                    body.as_object_mut().unwrap().remove("error");
                }
            }),
            "TT-6",
            "a ticket",
        ),
        planted(
            "`data` of null",
            texts(app(), |text| text.replace("\"data\":{}", "\"data\":null")),
            "TT-40001",
            "a ticket request without Server-Key",
        ),
        planted(
            "a status as a string",
            json(app(), |body| body["status"] = body["status"].to_string().into()),
            "TT-6",
            "a ticket",
        ),
        planted(
            "a code as a number",
            texts(app(), |text| text.replace("\"code\":\"40002\"", "\"code\":40002")),
            "TT-106",
            "`fullName` is missing",
        ),
        planted(
            "a wrong number of a parameter",
            texts(app(), |text| text.replace("\"105\"", "\"106\"")),
            "TT-105",
            "`xcUserID` is missing",
        ),
        planted(
            "the name of a parameter for its number",
            texts(app(), |text| text.replace("\"105\"", "\"xcUserID\"")),
            "TT-105",
            "`xcUserID` is missing",
        ),
        planted(
            "expiries as strings",
            texts(app(), |text| {
                text.replace("Expiry\":17", "Expiry\":\"17")
                    .replace(",\"refreshToken\"", "\",\"refreshToken\"")
                    .replace(",\"user\":", "\",\"user\":")
            }),
            "TT-1",
            "the web SDK exchanges its ticket",
        ),
        planted(
            "a user without `imageURL`",
            texts(app(), |text| text.replace("\"imageURL\"", "\"image\"")),
            "TT-1",
            "the web SDK exchanges its ticket",
        ),
        planted(
            "`fullName` as it is spelled elsewhere",
            texts(app(), |text| text.replace("\"fullname\"", "\"fullName\"")),
            "TT-1",
            "the web SDK exchanges its ticket",
        ),
        planted("a ticket buys tokens again", replayed, "TT-9", "a ticket that was exchanged before"),
        planted(
            "200 for a refresh in an outage",
            answers(app(), |_, mut answer| {
                *answer.status_mut() = StatusCode::OK;
                answer
            }),
            "TT-13",
            "a refresh and a failing verifier",
        ),
        planted(
            "an error page in an outage",
            answers(app(), |_, answer| match String::from_utf8_lossy(answer.body()) {
                text if text.contains("50001") => page(500, "the store is away"),
                _ => answer,
            }),
            "TT-50001",
            "a ticket request and a failing verifier",
        ),
        planted(
            "the server key's code for a missing app key",
            texts(app(), |text| text.replace("49101", "40001")),
            "TT-49101",
            "an exchange without App-Key",
        ),
        planted(
            "expired is invalid",
            texts(app(), |text| text.replace("40104", "40103")),
            "TT-40103",
            "an expired access token",
        ),
        planted("tokens on any device", any_device, "TT-11", "an access token on another device"),
        planted("a logout with another code", logout, "TT-4", "a logout after the logout"),
        planted("a logout that ends nothing", idle_logout, "TT-4", "the access token after the logout"),
        planted(
            "bytes are counted for characters",
            bytes_counted,
            "TT-105",
            "an xcUserID of 50 characters of two bytes each",
        ),
        planted(
            "a duplicate parameter is admitted",
            bodies(app(), |body| reparsed(body, |_| {})),
            "TT-105",
            "`xcUserID` is given twice",
        ),
        planted("answers that are stored", with_header(app(), "cache-control", None), "TT-8", "a ticket is not stored"),
        planted(
            "a prefix of the path",
            requests(app(), |mut request| {
                if request.uri().path().starts_with("/v1/server/auth_ticket/request") {
                    *request.uri_mut() = "/v1/server/auth_ticket/request".parse().unwrap();
                }
                request
            }),
            "TT-6",
            "a longer path is not answered",
        ),
    ];
    assert_caught(&calls.suite(), faults).await;
}

#[tokio::test]
async fn faults_of_an_apps_backend() {
    let (app, suite) = taptalk::app_tickets();
    let app = || app.clone();
    let anybody = requests(app(), |mut request| {
        request.headers_mut().insert("authorization", "Bearer 605b-32dd".parse().unwrap());
        request
    });
    let faults = vec![
        planted("a ticket for anybody", anybody, "TT-16", "nobody is logged in"),
        planted("no challenge", with_header(app(), "www-authenticate", None), "TT-16", "nobody is logged in"),
        planted(
            "an id that is a number",
            texts(app(), |text| text.replace("\"userID\":\"6\"", "\"userID\":6")),
            "TT-16",
            "a user who is logged in",
        ),
        planted(
            "tickets that are stored",
            with_header(app(), "cache-control", None),
            "TT-16",
            "a ticket is not stored",
        ),
        planted(
            "the session in an answer",
            with_header(app(), "x-session", Some("Bearer 605b-32dd")),
            "TT-16",
            "a user who is logged in",
        ),
    ];
    assert_caught(&suite, faults).await;
}
