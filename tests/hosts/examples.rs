//! The examples, run as a user runs them: each is started on a free port, and sent the call that it prints.

use std::{
    env::{self, consts::EXE_SUFFIX},
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::SystemTime,
};

use http::Request;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tower::service_fn;

use crate::{
    lambda::event,
    support::{Answer, GOOD, PATIENCE, UNKNOWN, send, serve},
};

/// A running example, which ends with the test.
struct Example {
    process: Child,
}

impl Drop for Example {
    fn drop(&mut self) {
        self.process.kill().expect("the example can be ended");
        self.process.wait().expect("the example ends");
    }
}

/// Where cargo puts the example. `cargo test` builds it; after a narrower command it is built here.
fn built(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("tests stand in a folder of the profile's");
    let example = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.rs"));
    if modified(&example) < modified(&source) {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--example", name]);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "the example {name} cannot be built");
    }
    example
}

/// `None`, which is before any time, if there is no such file.
fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}

fn start(name: &str, variables: &[(&str, &str)]) -> Example {
    let process = Command::new(built(name))
        .env_remove("LISTEN")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    Example { process }
}

/// An example that listens, and the call that it proposes.
struct Listening {
    _example: Example,
    address: SocketAddr,
    path: String,
    body: &'static str,
}

fn start_listening(name: &str) -> Listening {
    let mut example = start(name, &[("LISTEN", "127.0.0.1:0")]);
    let stdout = example.process.stdout.take().expect("the output is piped");
    let mut lines: Lines<BufReader<ChildStdout>> = BufReader::new(stdout).lines();
    let mut line = || lines.next().expect("the example says more").expect("the example writes text");

    let listening = line();
    let url = listening.strip_prefix("listening on http://").expect("the first line is the address");
    let address: SocketAddr = url.parse().expect("the URL has an address and a port");
    assert_ne!(address.port(), 0);

    let curl = line();
    let (body, target) =
        curl.strip_prefix("curl -d '").and_then(|curl| curl.split_once("' ")).expect("curl -d '…' URL");
    let path = target.strip_prefix(&format!("http://{address}")).expect("curl is told the same address").to_owned();
    Listening { _example: example, address, path, body: body.to_owned().leak() }
}

impl Listening {
    async fn call(&self, body: &'static str) -> Answer {
        send(self.address, Request::post(&self.path).body(body.to_owned()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.address, Request::get(path).body(String::new()).unwrap()).await
    }
}

#[tokio::test]
async fn hyper() {
    let example = start_listening("hyper");
    example.call(example.body).await.is_word("Validated");
    example.call(UNKNOWN).await.is_word("InvalidToken");
    example.get("/app").await.is(200, "the app\n");
}

#[tokio::test]
async fn tonic() {
    let example = start_listening("tonic");
    example.call(example.body).await.is_word("Validated");
    example.call(UNKNOWN).await.is_word("InvalidToken");
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", example.address)).unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel.connect().await.unwrap());
    client.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn custom_endpoint() {
    let example = start_listening("custom_endpoint");
    for (body, status, answer) in [
        (example.body, 200, r#"{"open":true}"#),
        (r#"{"badge": "4712"}"#, 200, r#"{"open":false}"#),
        (r#"{"badge": 4711}"#, 400, r#"{"open":false}"#),
        (r#"{"badge": "4711", "badge": "4711"}"#, 400, r#"{"open":false}"#),
        ("4711", 400, r#"{"open":false}"#),
    ] {
        let response = example.call(body).await;
        response.is(status, answer);
        assert_eq!(response.headers["content-type"], "application/json");
        assert_eq!(response.headers["cache-control"], "no-store");
    }
    example.get("/turnstile").await.is(404, "");
}

#[tokio::test]
async fn lambda_that_listens() {
    let example = start_listening("lambda");
    example.call(example.body).await.is_word("Validated");
    example.get("/app").await.is(200, "the app\n");
}

/// The runtime's API as Lambda has it in the function's machine: `next` hands out an event, `response` takes what became
/// of it. When there are no more events, the function waits.
#[tokio::test]
async fn lambda_in_its_runtime() {
    let (events, pending) = mpsc::unbounded_channel::<Value>();
    let (responses, mut answered) = mpsc::unbounded_channel::<(String, Value)>();
    let pending = Arc::new(Mutex::new(pending));
    let runtime = serve(service_fn(move |request: Request<::hyper::body::Incoming>| {
        let (pending, responses) = (pending.clone(), responses.clone());
        async move {
            let (head, body) = request.into_parts();
            if head.uri.path() == "/2018-06-01/runtime/invocation/next" {
                let event = pending.lock().await.recv().await.expect("the test goes on");
                return Ok::<_, std::convert::Infallible>(
                    http::Response::builder()
                        .header("lambda-runtime-aws-request-id", event["requestContext"]["requestId"].as_str().unwrap())
                        .header("lambda-runtime-deadline-ms", u64::MAX.to_string())
                        .header(
                            "lambda-runtime-invoked-function-arn",
                            "arn:aws:lambda:eu-west-1:123456789012:function:bank",
                        )
                        .body(event.to_string())
                        .unwrap(),
                );
            }
            let body = http_body_util::BodyExt::collect(body).await.expect("the function sends it whole").to_bytes();
            responses.send((head.uri.path().to_owned(), serde_json::from_slice(&body).unwrap())).unwrap();
            Ok(http::Response::builder().status(202).body(String::new()).unwrap())
        }
    }))
    .await;

    let _example = start(
        "lambda",
        &[
            ("AWS_LAMBDA_RUNTIME_API", &runtime.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bank"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true"),
        ],
    );
    for (method, path, body, answer) in [
        ("POST", "/checkauthtoken", GOOD, "Validated"),
        ("POST", "/checkauthtoken", UNKNOWN, "InvalidToken"),
        ("GET", "/app", "", "the app\n"),
    ] {
        events.send(event("live", method, path, body)).unwrap();
        let response = tokio::time::timeout(PATIENCE, answered.recv()).await.expect("the function answers");
        let (path, response) = response.expect("the runtime goes on");
        assert!(path.ends_with("/response"), "{path}: {response}");
        assert_eq!((&response["statusCode"], &response["body"]), (&200.into(), &answer.into()));
    }
}
