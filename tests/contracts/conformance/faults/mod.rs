//! Faults that are planted in conforming servers, one at a time. Each must be caught by the check that is named.

mod diyalog_agent;
mod diyalog_customer;
mod talkdesk;
mod talkdesk_later;
mod taptalk;
#[cfg(feature = "token")]
mod taptalk_socket;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_verify::conformance::Suite;

use super::apps::App;

/// A server with a fault, and the row and the name of the check that catches it.
struct Planted {
    fault: &'static str,
    app: App,
    caught_by: (&'static str, &'static str),
}

fn planted(fault: &'static str, app: App, row: &'static str, check: &'static str) -> Planted {
    Planted { fault, app, caught_by: (row, check) }
}

/// Runs the suite against each server, and wants its check to fail.
async fn assert_caught(suite: &Suite, faults: Vec<Planted>) {
    let mut missed = Vec::new();
    for Planted { fault, app, caught_by } in faults {
        let report = suite.run(app).await;
        let by: Vec<_> = report.failed().map(|finding| (finding.row(), finding.name())).collect();
        if !by.contains(&caught_by) {
            missed.push(format!("{fault}: not caught by {caught_by:?}, but by {by:?}"));
        }
        // Secrets of an answer are redacted like those of a call.
        for name in ["ticket", "accessToken", "refreshToken"] {
            let (shown, member) = (report.to_string(), format!("\"{name}\":\""));
            let mut values = shown.split(&member).skip(1);
            assert!(values.all(|value| value.starts_with(['<', '$'])), "{fault}: the report shows a {name}\n{shown}");
        }
        for secret in ["dlg-2121sa", "b1f0-Tok", "605b-32dd", "s3cr3t-of", "41n-of-the-app"] {
            assert!(!report.to_string().contains(secret), "{fault}: the report shows {secret}\n{report}");
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The app with its answers changed.
pub(super) fn answers(
    app: App,
    change: impl Fn(&Parts, Response<Bytes>) -> Response<Bytes> + Clone + Send + Sync + 'static,
) -> App {
    BoxCloneSyncService::new(service_fn(move |request: Request<Full<Bytes>>| {
        let (app, change) = (app.clone(), change.clone());
        async move {
            let (head, body) = request.into_parts();
            let seen = head.clone();
            let Ok(answer) = app.oneshot(Request::from_parts(head, body)).await;
            let (head, body) = answer.into_parts();
            let Ok(body) = body.collect().await;
            Ok(change(&seen, Response::from_parts(head, body.to_bytes())).map(Full::from))
        }
    }))
}

/// The app behind something that changes its requests.
fn requests(app: App, change: impl Fn(Request<Bytes>) -> Request<Bytes> + Clone + Send + Sync + 'static) -> App {
    BoxCloneSyncService::new(service_fn(move |request: Request<Full<Bytes>>| {
        let (app, change) = (app.clone(), change.clone());
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            app.oneshot(change(Request::from_parts(head, body.to_bytes())).map(Full::from)).await
        }
    }))
}

/// The app with its text bodies changed.
fn texts(app: App, change: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> App {
    answers(app, move |_, answer| answer.map(|body| change(&String::from_utf8_lossy(&body)).into()))
}

/// The app that reads the bodies of its requests in another way.
fn bodies(app: App, change: impl Fn(&[u8]) -> Vec<u8> + Clone + Send + Sync + 'static) -> App {
    requests(app, move |request| request.map(|body| change(&body).into()))
}

/// The app with this header in its answers, or without it.
fn with_header(app: App, name: &'static str, value: Option<&'static str>) -> App {
    answers(app, move |_, mut answer| {
        answer.headers_mut().remove(name);
        if let Some(value) = value {
            answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        answer
    })
}

/// The app with another status in place of this one.
fn at_status(app: App, from: u16, to: u16) -> App {
    answers(app, move |_, mut answer| {
        if answer.status() == from {
            *answer.status_mut() = StatusCode::from_u16(to).unwrap();
        }
        answer
    })
}

/// The app that takes each request for one of this method.
fn by_method(app: App, method: Method) -> App {
    requests(app, move |mut request| {
        *request.method_mut() = method.clone();
        request
    })
}

/// The app with another path or query of its requests.
fn targets(app: App, change: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> App {
    requests(app, move |mut request| {
        *request.uri_mut() = change(&request.uri().to_string()).parse().expect("a target");
        request
    })
}

/// An error page as web servers have them.
fn page(status: u16, text: &str) -> Response<Bytes> {
    let page = Response::builder().status(StatusCode::from_u16(status).unwrap()).header("content-type", "text/html");
    page.body(format!("<html><h1>{text}</h1></html>").into()).unwrap()
}

/// A lenient parser: the last of two equal names is kept, bytes that are not UTF-8 are replaced.
fn lenient(body: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_str(&String::from_utf8_lossy(body)).ok()
}

/// The object in the body as a lenient parser reads it, with a change.
fn reparsed(body: &[u8], change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    match lenient(body).filter(serde_json::Value::is_object) {
        Some(mut value) => {
            change(&mut value);
            value.to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}
