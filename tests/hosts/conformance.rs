//! The example `conformance`, run as a user runs it against servers on a socket: good ones, a bad one, and none.

use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Output, Stdio},
};

use ::axum::Router;
use http::Response;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::process::Command;
use tower::{ServiceBuilder, ServiceExt};
use tower_verify::diyalog::conformance::CustomerCalls;

use crate::{
    examples::built,
    support::{customer, listen, serve},
};

const TRIO: [&str; 6] = ["--device-id", "1234", "--dlg-token", "2121sa", "--customer-no", "1234567"];

async fn conformance(arguments: &[&str]) -> Output {
    let example = tokio::task::spawn_blocking(|| built("conformance")).await.unwrap();
    Command::new(example).args(arguments).stdin(Stdio::null()).output().await.expect("the example runs")
}

async fn run(platform: &str, address: SocketAddr, options: &[&str]) -> Output {
    conformance(&[&[platform, &format!("http://{address}")], options].concat()).await
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the report is text")
}

#[track_caller]
fn assert_usage_error(output: &Output, said: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(said), "{stderr}");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
}

/// A file for a report, removed when it is dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("tower-verify-{}-{name}", std::process::id())))
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).expect("the report is written")
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_good_server_passes_and_the_reports_say_so() {
    let address = serve(Router::new().layer(customer())).await;
    let (json, junit, token) = (File::new("good.json"), File::new("good.xml"), File::new("token"));
    fs::write(&token.0, "2121sa\n").unwrap();
    let from_file = format!("@{}", token.path());
    let mut trio = TRIO;
    trio[3] = &from_file;
    let options = [&trio[..], &["--json", json.path(), "--junit", junit.path()]].concat();
    let output = run("diyalog-customer", address, &options).await;
    let text = stdout(&output);
    // This server's verifier does not tell another device from another token.
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("✘ DY-13  the token of another device"), "{text}");
    assert!(text.ends_with("1 failed, 10 skipped\n"), "{text}");
    assert!(output.stderr.is_empty(), "progress is for terminals only");

    let report: Value = serde_json::from_str(&json.text()).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let counted = |member: &str| findings.iter().filter(|finding| !finding[member].is_null()).count();
    assert_eq!((&report["suite"], counted("failed"), counted("skipped")), (&"diyalog.customer".into(), 1, 10));
    let failed = findings.iter().find(|finding| !finding["failed"].is_null()).unwrap();
    assert_eq!(failed["failed"]["came"], "200, text/plain; charset=utf-8, `InvalidToken`");
    assert_eq!(failed["failed"]["violations"][0], "the body is not exactly `InvalidDeviceId`");
    let contract = failed["failed"]["contract"].as_str().unwrap();
    assert_eq!(contract, "DY-13: `InvalidDeviceId`: known, but made for another device: `DLGEXCPSRV_DVCIDINVLD`");
    let junit = junit.text();
    assert_eq!(junit.matches("<testcase ").count(), findings.len());
    assert_eq!((junit.matches("<failure ").count(), junit.matches("<skipped ").count()), (1, 10));
    for text in [text, report.to_string(), junit] {
        assert!(!text.contains("2121sa"), "a report shows the token");
    }
}

#[tokio::test]
async fn only_the_checks_of_a_row_are_run() {
    let address = serve(Router::new().layer(customer())).await;
    let output =
        run("diyalog-customer", address, &[&TRIO[..], &["--only", "DY-10", "--only", "a comment"]].concat()).await;
    let text = stdout(&output);
    assert_eq!(text, "✔ DY-10  the good trio\n✔ DY-15  a comment\ndiyalog.customer: 2 passed, 0 failed, 0 skipped\n");
    assert_eq!(output.status.code(), Some(0));
    let output = run("diyalog-customer", address, &[&TRIO[..], &["--only", "DY-99"]].concat()).await;
    assert_usage_error(&output, "no check has the row");
}

#[tokio::test]
async fn a_server_that_quotes_its_word_fails() {
    let quoting = ServiceBuilder::new().map_response(|answer: Response<::axum::body::Body>| {
        let (head, body) = answer.into_parts();
        let body = futures::executor::block_on(body.collect()).unwrap().to_bytes();
        Response::from_parts(head, Full::<bytes::Bytes>::from(format!("\"{}\"", String::from_utf8_lossy(&body))))
    });
    let address = serve(quoting.service(Router::new().layer(customer()))).await;
    let output = run("diyalog-customer", address, &TRIO).await;
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("✘ DY-10  the good trio\n    wrong     the body is not exactly `Validated`\n"), "{text}");
    assert!(text.contains("\n    came      200, text/plain; charset=utf-8, `\"Validated\"`\n"), "{text}");
    assert!(
        text.contains(
            r#"sent      POST /checkauthtoken · content-type: application/json · {"deviceId":"${device_id}""#
        ),
        "{text}"
    );
    assert!(!text.contains("2121sa"), "{text}");
}

#[tokio::test]
async fn a_wrong_command_or_address_is_an_error() {
    let (listener, nobody) = listen().await;
    drop(listener);
    assert_usage_error(&run("diyalog-customer", nobody, &TRIO).await, &format!("http://{nobody}: "));
    assert_usage_error(&run("whatsapp", nobody, &[]).await, "there is no platform `whatsapp`");
    assert_usage_error(&run("diyalog-customer", nobody, &TRIO[..4]).await, "--customer-no is missing");
    let twice = [&TRIO[..], &TRIO[..2]].concat();
    assert_usage_error(&run("diyalog-customer", nobody, &twice).await, "--device-id is given more than once");
    let unknown = [&TRIO[..], &["--older", "--oldest", "1"]].concat();
    assert_usage_error(&run("diyalog-customer", nobody, &unknown).await, "diyalog-customer has no option --oldest");
    let trio = [&TRIO[..], &["--failing", "a,b"]].concat();
    assert_usage_error(&run("diyalog-customer", nobody, &trio).await, "three values with commas");
    assert_usage_error(&conformance(&["talkdesk"]).await, "give a platform and the URL");
    let later = ["--field", "token=123456789", "--field"];
    let typed = [&later[..], &["login_id:=a", "--agents", "/agents"]].concat();
    assert_usage_error(&run("talkdesk-later", nobody, &typed).await, "--field login_id: the value must be an integer");
    let no_text = [&later[..], &["login_id:=12", "--agents", "/agents"]].concat();
    assert_usage_error(&run("talkdesk-later", nobody, &no_text).await, "the last one is no text");
    assert_usage_error(&run("talkdesk-later", nobody, &later[..2]).await, "give a path: --contacts");
    let ftp = [&["diyalog-customer", "ftp://127.0.0.1"], &TRIO[..]].concat();
    assert_usage_error(&conformance(&ftp).await, "the URL must begin with http://");
    let help = conformance(&["--help"]).await;
    assert_eq!(help.status.code(), Some(0));
    for platform in
        ["talkdesk", "talkdesk-later", "diyalog-customer", "diyalog-agent", "taptalk", "taptalk-socket", "taptalk-app"]
    {
        assert!(stdout(&help).contains(&format!("\n  conformance {platform} http://127.0.0.1:3000 --")), "{platform}");
    }
}

#[tokio::test]
async fn a_server_that_goes_away_fails_every_check() {
    let (listener, address) = listen().await;
    let gone = tokio::spawn(async move {
        // The first connection proves that the server is there. Each later one is closed without an answer.
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let output = run("diyalog-customer", address, &[&TRIO[..], &["--only", "DY-10"]].concat()).await;
    gone.abort();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("wrong     no whole answer: "), "{text}");
}

/// The same suite in process and over a socket gives the same report.
#[tokio::test]
async fn in_process_and_over_a_socket_are_the_same() {
    let suite = CustomerCalls::new("1234", "2121sa", "1234567").suite();
    let in_process = suite.run(Router::new().layer(customer())).await;
    let address = serve(Router::new().layer(customer())).await;
    let mut client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
    let client =
        client.pool_max_idle_per_host(0).build_http::<Full<bytes::Bytes>>().map_err(tower_verify::BoxError::from);
    let over_http = suite.base_url(&format!("http://{address}/")).run(client).await;
    assert_eq!(in_process.to_string(), over_http.to_string());
    assert_eq!(in_process.failed().count(), 1);
}
