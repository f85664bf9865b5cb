use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use serde_json::Value;
use tower_verify::diyalog::CustomerEndpoint;

use super::{
    answers, assert_caught, bodies, by_method, page, planted, reparsed, requests, targets, texts, with_header,
};
use crate::conformance::apps::{self, App};

fn app() -> App {
    apps::diyalog(CustomerEndpoint::new())
}

const GOOD: &str = r#"{"deviceId":"1234","dlgToken":"dlg-2121saSasrwsdss","customerNo":"1234567"}"#;

#[tokio::test]
async fn faults_in_the_answer() {
    let faults = vec![
        planted("a quoted word", texts(app(), |word| format!("\"{word}\"")), "DY-10", "the good trio"),
        planted("a trailing newline", texts(app(), |word| format!("{word}\n")), "DY-10", "the good trio"),
        planted(
            "a word in another case",
            texts(app(), |word| word.replace("InvalidToken", "invalidToken")),
            "DY-11",
            "a token without its last character",
        ),
        planted(
            "204 with the verdict",
            answers(app(), |_, mut answer| {
                *answer.status_mut() = StatusCode::NO_CONTENT;
                answer
            }),
            "DY-10",
            "the good trio",
        ),
        planted(
            "401 for an expired token",
            answers(app(), |_, mut answer| {
                if answer.body() == "ExpiredToken" {
                    *answer.status_mut() = StatusCode::UNAUTHORIZED;
                }
                answer
            }),
            "DY-12",
            "an expired token",
        ),
        planted("HTML", with_header(app(), "content-type", Some("text/html")), "DY-10", "the good trio"),
        planted("no charset", with_header(app(), "content-type", Some("text/plain")), "DY-10", "the good trio"),
        planted(
            "answers that are stored",
            with_header(app(), "cache-control", None),
            "DY-24",
            "a refusal is not stored",
        ),
        planted(
            "two content types",
            answers(app(), |_, mut answer| {
                answer.headers_mut().append("content-type", "text/html".parse().unwrap());
                answer
            }),
            "DY-10",
            "the good trio",
        ),
        planted(
            "a 401 without a challenge",
            with_header(app(), "www-authenticate", None),
            "DY-5",
            "a caller without its secret",
        ),
        planted(
            "a token in a header",
            with_header(app(), "x-checked", Some("dlg-2121saSasrwsdss")),
            "DY-10",
            "the good trio",
        ),
        planted(
            "a token in the text of an error",
            texts(app(), |word| word.replace("InvalidDeviceId", "InvalidDeviceId: dlg-2121saSasrwsdss")),
            "DY-13",
            "the token of another device",
        ),
        planted(
            "an error page when the verifier fails",
            answers(app(), |_, answer| match &answer.body()[..] {
                b"InternalError" => page(500, "the database of dlg-2121saSasrwsdss is away"),
                _ => answer,
            }),
            "DY-14",
            "a failing verifier",
        ),
        planted(
            "a page for a large body",
            answers(app(), |head, answer| {
                let length: usize =
                    head.headers.get("x-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
                if length > 16 * 1024 { page(413, "too large") } else { answer }
            }),
            "DY-15",
            "a body of 64 KiB",
        ),
    ];
    let faults = faults.into_iter().map(|mut planted| {
        // The length is known to a proxy, and to these closures by a header.
        planted.app = requests(planted.app, |mut request| {
            let length = request.body().len();
            request.headers_mut().insert("x-length", length.into());
            request
        });
        planted
    });
    assert_caught(&apps::customer_calls().suite(), faults.collect()).await;
}

#[tokio::test]
async fn faults_in_the_parser() {
    let one_of_two = |body: &[u8]| reparsed(body, |_| {});
    let array = |value: &mut Value| {
        for member in value.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
            if let Some(first) = member.as_array().and_then(|values| values.first()) {
                *member = first.clone();
            }
        }
    };
    let number = |value: &mut Value| {
        for member in value.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
            if member.is_number() {
                *member = member.to_string().into();
            }
        }
    };
    let first_of_several = |body: &[u8]| {
        let first = serde_json::Deserializer::from_slice(body).into_iter::<Box<serde_json::value::RawValue>>().next();
        first.and_then(Result::ok).map_or(body.to_vec(), |first| first.get().as_bytes().to_vec())
    };
    let faults = vec![
        planted(
            "the last of two keys is read",
            bodies(app(), one_of_two),
            "DY-2",
            "`dlgToken` is given twice, first a wrong one",
        ),
        planted(
            "a lossy decoder",
            bodies(app(), |body| String::from_utf8_lossy(body).into_owned().into_bytes()),
            "DY-15",
            "an unknown member that is not UTF-8",
        ),
        planted(
            "a byte order mark is skipped",
            bodies(app(), |body| body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).to_vec()),
            "DY-15",
            "a byte order mark",
        ),
        planted(
            "a number is taken for text",
            bodies(app(), move |body| reparsed(body, number)),
            "DY-15",
            "`customerNo` is a number",
        ),
        planted(
            "an array is taken for its first value",
            bodies(app(), move |body| reparsed(body, array)),
            "DY-15",
            "`dlgToken` is an array of the good value",
        ),
        planted(
            "what follows the object is not read",
            bodies(app(), first_of_several),
            "DY-15",
            "text after the object",
        ),
        planted(
            "a string is parsed once more",
            bodies(app(), |body| serde_json::from_slice::<String>(body).map_or(body.to_vec(), String::into_bytes)),
            "DY-15",
            "the object in a string",
        ),
        planted(
            "an empty token is admitted",
            bodies(app(), |body| {
                if String::from_utf8_lossy(body).contains(r#""dlgToken":"""#) { GOOD.into() } else { body.to_vec() }
            }),
            "DY-15",
            "`dlgToken` is empty",
        ),
        planted(
            "single quotes are read",
            bodies(app(), |body| String::from_utf8_lossy(body).replace('\'', "\"").into_bytes()),
            "DY-15",
            "single quotes",
        ),
        planted(
            "typographic quotes are read",
            bodies(app(), |body| String::from_utf8_lossy(body).replace('\u{201d}', "\"").into_bytes()),
            "DY-15",
            "typographic quotes",
        ),
        planted(
            "names are compared with their escapes",
            bodies(app(), |body| String::from_utf8_lossy(body).replace(r"\u0064lgToken", "x").into_bytes()),
            "DY-2",
            "names with escapes",
        ),
        planted(
            "unknown members that are given twice are refused",
            bodies(app(), |body| if body.ends_with(br#","x":2}"#) { b"{}".into() } else { body.to_vec() }),
            "DY-2",
            "an unknown member that is given twice",
        ),
        planted(
            "an empty hash is refused",
            bodies(app(), |body| String::from_utf8_lossy(body).replace(r#""deviceHash":"""#, "0").into_bytes()),
            "DY-2",
            "an empty device hash",
        ),
        planted(
            "names in any case",
            bodies(app(), |body| String::from_utf8_lossy(body).replace("DlgToken", "dlgToken").into_bytes()),
            "DY-15",
            "`dlgToken` in another case",
        ),
        planted(
            "a media type is required",
            answers(app(), |head, answer| match head.headers.get("content-type") {
                Some(value) if value == "application/json" => answer,
                _ => page(415, "send JSON"),
            }),
            "DY-2",
            "the content type text/plain",
        ),
        planted(
            "null is not taken for an absent hash",
            bodies(app(), |body| {
                String::from_utf8_lossy(body).replace("\"deviceHash\":null", "\"deviceHash\":0").into_bytes()
            }),
            "DY-2",
            "a device hash of null",
        ),
    ];
    assert_caught(&apps::customer_calls().suite(), faults).await;
}

#[tokio::test]
async fn faults_in_the_verifier_and_in_front_of_it() {
    let used = Arc::new(Mutex::new(false));
    let once = move |request: http::Request<bytes::Bytes>| {
        let again = request.body() == GOOD && std::mem::replace(&mut *used.lock().unwrap(), true);
        request.map(|body| if again { "{}".into() } else { body })
    };
    let knowing = |mut request: http::Request<bytes::Bytes>| {
        request.headers_mut().insert("auth-token", "current-9c1d".parse().unwrap());
        request
    };
    let first_header = |mut request: http::Request<bytes::Bytes>| {
        if let Some(first) = request.headers().get("auth-token").cloned() {
            request.headers_mut().insert("auth-token", first);
        }
        request
    };
    let trimmed = |body: &[u8]| {
        reparsed(body, |value| {
            if let Some(token) = value["dlgToken"].as_str() {
                value["dlgToken"] = token.trim().into();
            }
        })
    };
    let to_nul = |body: &[u8]| String::from_utf8_lossy(body).replace(r"\u0000", "").into_bytes();
    let begun = |mut request: http::Request<bytes::Bytes>| {
        if request.headers().get("auth-token").is_some_and(|secret| b"current-9c1d".starts_with(secret.as_bytes())) {
            request.headers_mut().insert("auth-token", "current-9c1d".parse().unwrap());
        }
        request
    };
    let any_case = |body: &[u8]| {
        reparsed(body, |value| {
            let token = value["dlgToken"].as_str().unwrap_or_default();
            if token.eq_ignore_ascii_case("dlg-2121saSasrwsdss") {
                value["dlgToken"] = "dlg-2121saSasrwsdss".into();
            }
        })
    };
    let faults = vec![
        planted(
            "admitted while the verifier fails",
            texts(app(), |word| word.replace("InternalError", "Validated")),
            "DY-14",
            "a failing verifier",
        ),
        planted(
            "the token is not bound to the device",
            bodies(app(), |body| reparsed(body, |value| value["deviceId"] = "1234".into())),
            "DY-13",
            "the token of another device",
        ),
        planted(
            "the token is not bound to the customer",
            bodies(app(), |body| {
                reparsed(body, |value| {
                    if value["customerNo"] == "12345670" {
                        value["customerNo"] = "1234567".into();
                    }
                })
            }),
            "DY-11",
            "the token of another customer",
        ),
        planted("tokens end at a NUL", bodies(app(), to_nul), "DY-11", "a token with a NUL after it"),
        planted("tokens are trimmed", bodies(app(), trimmed), "DY-11", "a token with a space after it"),
        planted("tokens in any case", bodies(app(), any_case), "DY-11", "a token in another case"),
        planted("a token is good once", requests(app(), once), "DY-1", "the same call again"),
        planted(
            "the beginning of the caller's secret is enough",
            requests(app(), begun),
            "DY-5",
            "a caller with the beginning of its secret",
        ),
        planted("the caller's secret is ignored", requests(app(), knowing), "DY-5", "a caller without its secret"),
        planted(
            "the first of two secrets is read",
            requests(app(), first_header),
            "DY-5",
            "a caller with its secret twice",
        ),
        planted("any method", by_method(app(), Method::POST), "DY-1", "PUT is not answered"),
        planted(
            "a prefix of the path",
            targets(app(), |_| "/checkauthtoken".into()),
            "DY-1",
            "a longer path is not answered",
        ),
    ];
    assert_caught(&apps::customer_calls().suite(), faults).await;
}
