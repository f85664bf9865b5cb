//! The examples, run as a user runs them: each is started on a free port, and answers the calls of its header as the
//! header says.

use std::{
    env::{self, consts::EXE_SUFFIX},
    fs,
    io::{BufRead, BufReader},
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
    console::{assert_answers, shown},
    lambda::event,
    support::{Answer, GOOD, PATIENCE, UNKNOWN, send, serve},
};

/// A running example, killed when it is dropped.
struct Example {
    process: Child,
}

impl Drop for Example {
    fn drop(&mut self) {
        self.process.kill().expect("the example can be killed");
        self.process.wait().expect("the example ends");
    }
}

/// The source of the example, whose header says what it shows.
fn source(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let file = examples.join(format!("{name}.rs"));
    if file.exists() { file } else { examples.join(name).join("main.rs") }
}

/// The path of the built example. `cargo test` builds the examples; other commands do not, and then it is built here.
pub(crate) fn built(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in a folder of the profile");
    let example = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    if modified(&example) < modified(&source(name)) {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--example", name]);
        for (feature, enabled) in
            [("https-client", cfg!(feature = "https-client")), ("conformance", cfg!(feature = "conformance"))]
        {
            if enabled {
                cargo.args(["--features", feature]);
            }
        }
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "the example {name} cannot be built");
    }
    example
}

/// When the file was modified, or `None` if there is no such file. `None` is less than any time.
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

/// An example that listens.
struct Listening {
    _example: Example,
    /// An example that prints more after its address must not find the pipe closed.
    _output: BufReader<ChildStdout>,
    address: SocketAddr,
}

fn start_listening(name: &str, variables: &[(&str, &str)]) -> Listening {
    let mut example = start(name, &[&[("LISTEN", "127.0.0.1:0")], variables].concat());
    let stdout = example.process.stdout.take().expect("the output is piped");
    let (mut output, mut line) = (BufReader::new(stdout), String::new());
    output.read_line(&mut line).expect("the example says where it listens, in text");
    let address = line.trim_end().strip_prefix("listening on http://").expect("the first line is the address");
    let address: SocketAddr = address.parse().expect("the URL has an address and a port");
    assert_ne!(address.port(), 0);
    Listening { _example: example, _output: output, address }
}

/// Starts the example, and makes the calls of its header.
async fn start_as_shown(name: &str) -> Listening {
    let example = start_listening(name, &[]);
    assert_answers(&shown(&source(name)), example.address).await;
    example
}

impl Listening {
    async fn post(&self, path: &str, body: impl Into<String>) -> Answer {
        send(self.address, Request::post(path).body(body.into()).unwrap()).await
    }
}

#[test]
fn every_example_has_its_test() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<String> = fs::read_dir(examples)
        .expect("there are examples")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").exists())
        .map(|path| path.file_stem().and_then(|name| name.to_str()).expect("the name is text").to_owned())
        .collect();
    names.sort();
    // `axum` is run by `.ci/quickstart` and `.ci/browser`, `operate` by `.ci/operate`, and `conformance` by the module of
    // that name and `.ci/conformance`.
    let here = [
        "behind_nginx",
        "custom_endpoint",
        "hyper",
        "lambda",
        "nginx_cookie",
        "platforms",
        "sqlite",
        "taptalk_backend",
    ];
    let elsewhere = ["axum", "conformance", "operate"];
    let mut known = [&here[..], &["tenants", "tokens", "tonic"], &elsewhere].concat();
    known.sort();
    assert_eq!(names, known);
}

#[tokio::test]
async fn hyper() {
    start_as_shown("hyper").await.post("/checkauthtoken", GOOD).await.is_word("Validated");
}

#[tokio::test]
async fn tonic() {
    let example = start_as_shown("tonic").await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", example.address)).unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel.connect().await.unwrap());
    client.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn custom_endpoint() {
    let example = start_as_shown("custom_endpoint").await;
    for (body, status, answer) in [
        (r#"{"badge": "4711"}"#, 200, r#"{"open":true}"#),
        (r#"{"badge": "4712"}"#, 200, r#"{"open":false}"#),
        (r#"{"badge": 4711}"#, 400, r#"{"open":false}"#),
        (r#"{"badge": "4711", "badge": "4711"}"#, 400, r#"{"open":false}"#),
        ("4711", 400, r#"{"open":false}"#),
    ] {
        let response = example.post("/turnstile", body).await;
        response.is(status, answer);
        assert_eq!(response.headers["content-type"], "application/json");
        assert_eq!(response.headers["cache-control"], "no-store");
    }
    send(example.address, Request::get("/turnstile").body(String::new()).unwrap()).await.is(404, "");
}

#[tokio::test]
async fn nginx_cookie() {
    let example = start_as_shown("nginx_cookie").await;
    let log_in = async |path: &str| {
        let answer = example.post(path, "user=ada&password=605b32dd").await;
        answer.is(303, "");
        let text = |name| answer.headers[name].to_str().unwrap().to_owned();
        (text("location"), text("set-cookie"))
    };
    let (location, cookie) = log_in("/login?next=/reports/2026.html?page=2&all").await;
    assert_eq!(location, "/reports/2026.html?page=2&all");
    let (cookie, attributes) = cookie.split_once("; ").unwrap();
    assert!(cookie.starts_with("__Host-session=ada:site_1."));
    assert_eq!(attributes, "Max-Age=28800; Path=/; Secure; HttpOnly; SameSite=Lax");
    for elsewhere in ["//example.com", "/\\example.com", "https://example.com", "example.com", ""] {
        assert_eq!(log_in(&format!("/login?next={elsewhere}")).await.0, "/", "{elsewhere}");
    }
    assert_eq!(log_in("/login").await.0, "/");

    let check = async |cookies: &[&str]| {
        let request = cookies.iter().fold(Request::get("/check"), |request, cookie| request.header("cookie", *cookie));
        let answer = send(example.address, request.body(String::new()).unwrap()).await;
        let user = answer.headers.get("x-auth-user").map(|user| user.to_str().unwrap().to_owned());
        assert_eq!((answer.body.as_str(), answer.headers.contains_key("www-authenticate")), ("", answer.status == 401));
        (answer.status, user)
    };
    let (good, bad) = ((200, Some("ada".to_owned())), (401, None));
    assert_eq!(check(&["theme=dark", cookie, "other=1"]).await, good);
    let token = cookie.split_once(':').unwrap().1;
    for cookies in [
        &[][..],
        &[&*cookie.replace("ada", "bob")],
        &[&*format!("{cookie}A")],
        &[&cookie[..cookie.len() - 1]],
        &[&*format!("__Host-session={token}")],
        &[&*format!("session=ada:{token}")],
        &[cookie, cookie],
    ] {
        assert_eq!(check(cookies).await, bad, "{cookies:?}");
    }

    for (path, body) in [("/login", "user=ada&password=605b32dd"), ("/logout", "")] {
        for site in ["cross-site", "same-site", "none"] {
            let request = Request::post(path).header("sec-fetch-site", site).header("cookie", cookie);
            send(example.address, request.body(body.to_owned()).unwrap()).await.is(403, "");
        }
    }
    assert_eq!(check(&[cookie]).await, good);
    let request = Request::post("/logout").header("sec-fetch-site", "same-origin").header("cookie", cookie);
    let answer = send(example.address, request.body(String::new()).unwrap()).await;
    assert_eq!(answer.headers["set-cookie"], "__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(check(&[cookie]).await, bad);
    // The next login is good.
    let (_, cookie) = log_in("/login").await;
    assert_eq!(check(&[cookie.split(';').next().unwrap()]).await, good);
}

#[tokio::test]
async fn platforms() {
    let example = start_as_shown("platforms").await;
    for user in ["panic", "slow"] {
        example.post("/auth/user", format!("username={user}&password=605b32dd")).await.is(200, "deny");
    }
}

#[tokio::test]
async fn tenants() {
    let example = start_as_shown("tenants").await;
    let call = r#"{"deviceId": "1", "dlgToken": "a-token", "customerNo": "7"}"#;
    for (tenant, secret, status, word) in [
        ("acme", "acme-secret", 200, "Validated"),
        ("acme", "globex-new", 401, "BadRequest"),
        ("globex", "acme-secret", 401, "BadRequest"),
        ("globex", "globex-new", 200, "InvalidToken"),
        ("initech", "acme-secret", 404, ""),
    ] {
        let request = Request::post(format!("/{tenant}/checkauthtoken")).header("auth-token", secret);
        send(example.address, request.body(call.to_owned()).unwrap()).await.is(status, word);
    }
    example.post("/acme/checkauthtoken", call).await.is(401, "BadRequest");
}

#[tokio::test]
async fn tokens() {
    let example = start_as_shown("tokens").await;
    let rotate = || {
        let request = Request::post("/keys/rotate").header("authorization", "Bearer operator");
        send(example.address, request.body(String::new()).unwrap())
    };
    let login = r#"{"customerNo": "1234567", "password": "605b32dd", "deviceId": "d1"}"#;
    // A token outlives two changes of the key, and each new key signs.
    let mut tokens = Vec::new();
    for keys in [3, 4] {
        let issued: Value = serde_json::from_str(&example.post("/login", login).await.body).unwrap();
        tokens.push(issued["dlgToken"].as_str().unwrap().to_owned());
        rotate().await.is(200, &format!(r#"{{"keys":{keys}}}"#));
        for token in &tokens {
            let call = format!(r#"{{"deviceId": "d1", "dlgToken": "{token}", "customerNo": "1234567"}}"#);
            example.post("/checkauthtoken", call).await.is_word("Validated");
        }
    }
}

#[cfg(feature = "policy")]
#[tokio::test]
async fn sqlite() {
    let file = env::temp_dir().join(format!("tower-verify-{}.db", std::process::id()));
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let calls = shown(&source("sqlite"));
    let start = || start_listening("sqlite", &[("DATABASE_URL", &url)]);
    assert_answers(&calls, start().address).await;
    // The second time, the account is there already.
    let example = start();
    assert_answers(&calls, example.address).await;
    fs::remove_file(&file).expect("the accounts are in the file");

    let time = async |username: &str| {
        let body = format!(r#"{{"auth": {{"username": "{username}", "password": "guess"}}}}"#);
        let begun = std::time::Instant::now();
        assert_eq!(example.post("/auth", body).await.status, 401);
        begun.elapsed()
    };
    // The shortest of a few, as a busy machine makes some of them longer. Without the slow hash it is a hundredth.
    let mut shortest = [std::time::Duration::MAX; 2];
    for _ in 0..2 {
        shortest = [shortest[0].min(time("ada@example.com").await), shortest[1].min(time("nobody@example.com").await)];
    }
    assert!(
        shortest[1] > shortest[0] / 3,
        "a wrong password takes {:?}, an unknown user {:?}",
        shortest[0],
        shortest[1]
    );
}

#[cfg(feature = "policy")]
#[tokio::test]
async fn behind_nginx() {
    let check = async |example: &Listening, forwarded: String, token: &str| {
        let request = Request::get(format!("/CheckToken?sessionId=s-7&token={token}&userNo=45186"));
        let request = request.header("x-forwarded-for", forwarded).body(String::new()).unwrap();
        let answer: Value = serde_json::from_str(&send(example.address, request).await.body).unwrap();
        answer["result"].as_str().unwrap().to_owned()
    };
    let (verified, throttled) = ("agent 45186 verified", "InternalError");

    // These calls come from where nginx is: the last entry counts, whatever the client has written before it.
    let example = start_as_shown("behind_nginx").await;
    for guess in 0..10 {
        assert_eq!(check(&example, format!("198.51.100.{guess}, 203.0.113.9"), "wrong").await, "InvalidToken");
    }
    assert_eq!(check(&example, "198.51.100.77, 203.0.113.9".into(), "b1f0").await, throttled);
    assert_eq!(check(&example, "203.0.113.9, 203.0.113.10".into(), "b1f0").await, verified);

    // These do not: the header is not believed at all.
    let example = start_listening("behind_nginx", &[("PROXY", "192.0.2.1")]);
    for guess in 0..10 {
        assert_eq!(check(&example, format!("203.0.113.{guess}"), "wrong").await, "InvalidToken");
    }
    assert_eq!(check(&example, "203.0.113.77".into(), "b1f0").await, throttled);
}

#[cfg(feature = "https-client")]
#[tokio::test]
async fn taptalk_backend() {
    start_as_shown("taptalk_backend").await.post("/taptalk/auth_ticket", "{}").await.is(
        400,
        r#"{"error":"invalid_request","error_description":"`userPlatform` must be \"android\", \"ios\" or \"web\""}"#,
    );

    // Another ticket server, which does not know the key.
    let stranger = serve(service_fn(|_: Request<::hyper::body::Incoming>| async {
        let answer = r#"{"status":400,"error":{"code":"49103","message":"Key not found","field":""},"data":{}}"#;
        Ok::<_, std::convert::Infallible>(http::Response::new(answer.to_owned()))
    }))
    .await;
    let base = format!("http://{stranger}");
    let key = [("TAPTALK_BASE", &*base), ("TAPTALK_KEY_ID", "id"), ("TAPTALK_KEY_SECRET", "secret")];
    let example = start_listening("taptalk_backend", &key);
    let login = example.post("/login", r#"{"username": "ada", "password": "605b32dd"}"#).await;
    let session: Value = serde_json::from_str(&login.body).unwrap();
    let request = Request::post("/taptalk/auth_ticket")
        .header("user-agent", "app")
        .header("authorization", format!("Bearer {}", session["session"].as_str().unwrap()));
    let request = request.body(r#"{"userPlatform": "web", "userDeviceID": "7"}"#.to_owned()).unwrap();
    let refused = r#"{"error":"temporarily_unavailable","error_description":"TapTalk gave no ticket"}"#;
    send(example.address, request).await.is(502, refused);
}

#[tokio::test]
async fn lambda_that_listens() {
    start_as_shown("lambda").await;
}

/// The API of Lambda's runtime: `next` returns an event, and `response` takes the function's response. Without events,
/// `next` waits.
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
