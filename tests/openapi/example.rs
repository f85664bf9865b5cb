//! The axum example's document, as it is served and as it is checked in.

use std::{
    env,
    env::consts::EXE_SUFFIX,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::LazyLock,
};

use serde_json::Value;

use crate::schema::Checker;

/// The running example, killed when it is dropped.
struct Example {
    process: Child,
    /// Nobody reads on, but a closed pipe would end the example.
    _printed: BufReader<ChildStdout>,
    address: String,
}

impl Example {
    fn start() -> Self {
        let mut process = Command::new(&*BUILT)
            .env("LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut printed = BufReader::new(process.stdout.take().expect("the output is piped"));
        let lines = printed.by_ref().lines().map(|line| line.expect("the example prints text"));
        let address = lines
            .filter_map(|line| line.strip_prefix("# listening on http://").map(str::to_owned))
            .next()
            .expect("the example says where it listens");
        Self { process, _printed: printed, address }
    }

    /// The status, the head and the body of an answer.
    fn ask(&self, method: &str, path: &str) -> (u16, String, String) {
        self.send(method, path, "", "")
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}");
        write!(stream, "{head}\r\n{headers}\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).expect("an answer has a status").parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.process.kill().expect("the example can be killed");
        self.process.wait().expect("the example ends");
    }
}

/// The path of the example, built anew if its sources have changed, with the features of this test.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in a folder of the profile");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", "axum"]);
    if cfg!(all(feature = "https-client", feature = "postgres", feature = "redis-tls")) {
        cargo.arg("--all-features");
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "the example cannot be built");
    profile.join("examples").join(format!("axum{EXE_SUFFIX}"))
});

fn served(example: &Example) -> Value {
    let (status, head, body) = example.ask("GET", "/openapi.json");
    assert_eq!(status, 200, "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    serde_json::from_str(&body).expect("the document is JSON")
}

#[test]
fn the_document_is_as_checked_in() {
    let document = served(&Example::start());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/axum/openapi.json");
    if env::var_os("REWRITE").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        fs::write(&file, text).expect("the file can be written");
    }
    let checked_in: Value = serde_json::from_slice(&fs::read(&file).unwrap()).expect("the file is JSON");
    assert!(
        document == checked_in,
        "examples/axum/openapi.json is not what the example serves. If the change is right, run:\n\
         REWRITE=1 cargo test --test openapi as_checked_in"
    );
}

#[test]
fn the_document_has_every_endpoint_and_no_secret() {
    let document = served(&Example::start());
    let paths = document["paths"].as_object().unwrap();
    let operations: Vec<&str> = paths
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    for (platform, count) in [("diyalog.", 2), ("talkdesk.", 2), ("taptalk.", 8)] {
        assert_eq!(operations.iter().filter(|id| id.starts_with(platform)).count(), count, "{operations:?}");
    }
    let text = document.to_string();
    for secret in ["demo-secret", "demo-app-secret", "ZGVtby1z", "ZGVtby1h", "demo@example.com"] {
        assert!(!text.contains(secret), "the document contains {secret}");
    }
}

/// The samples are real answers, and requests that the endpoints take.
// Contract: TT-4, TT-5, TT-14, TT-16.
#[test]
fn every_sample_has_its_schema() {
    let document = served(&Example::start());
    let (mut checker, mut samples) = (Checker::new(), 0);
    let mut check = |schema: &Value, sample: &Value| {
        checker.check(schema, sample).unwrap();
        samples += 1;
    };
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for operation in operations {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.filter(|one| one["required"] == true).for_each(|one| check(&one["schema"], &one["example"]));
        let request = &operation["requestBody"]["content"]["application/json"];
        if request.is_object() {
            check(&request["schema"], &request["example"]);
        }
        for response in operation["responses"].as_object().unwrap().values() {
            for content in response["content"].as_object().into_iter().flat_map(|types| types.values()) {
                let examples = content["examples"].as_object().into_iter().flat_map(|examples| examples.values());
                examples.for_each(|example| check(&content["schema"], &example["value"]));
            }
        }
    }
    assert!(samples >= 150, "the document has {samples} samples");
}

/// RFC 9110, section 15.5.6: the methods that are right are in `Allow`.
#[test]
fn another_method_than_the_documents_is_not_allowed() {
    let example = Example::start();
    let document = served(&example);
    for (path, item) in document["paths"].as_object().unwrap() {
        let documented: Vec<String> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "QUERY"] {
            if documented.iter().any(|one| one == method) {
                continue;
            }
            let (status, head, _) = example.ask(method, path);
            if ["/agent_sync", "/connect"].contains(&&**path) {
                // A guard is in front of all methods, and knows nobody here.
                assert_eq!(status, 401, "{method} {path}: {head}");
                continue;
            }
            assert_eq!(status, 405, "{method} {path}: {head}");
            let allow = head.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap_or_default();
            let allowed: Vec<&str> = allow.split([',', ' ']).filter(|method| !method.is_empty()).collect();
            assert!(documented.iter().all(|method| allowed.contains(&&**method)), "{method} {path}: {head}");
            assert!(!allowed.contains(&method), "{method} {path}: {head}");
        }
    }
    assert_eq!(example.ask("GET", "/auth/").0, 404);
}

/// Without `check`, a call of `/connect` is one of the socket, whose guard has statuses of its own.
#[test]
fn the_answers_of_the_sockets_guard_are_documented() {
    let example = Example::start();
    let document = served(&example);
    let responses = document["paths"]["/connect"]["get"]["responses"].as_object().unwrap();
    for query in ["", "?check=0", "?authorization=made-up", "?authorization=a&authorization=b"] {
        let (status, head, _) = example.ask("GET", &format!("/connect{query}"));
        let described = responses.get(&status.to_string()).unwrap_or_else(|| panic!("{query}: {head}"));
        for name in ["www-authenticate", "cache-control"] {
            assert_eq!(described["headers"][name].is_object(), head.contains(&format!("{name}: ")), "{query}: {head}");
        }
    }
    let statuses: Vec<&str> = responses.keys().map(|status| &**status).collect();
    assert_eq!(statuses, ["101", "200", "400", "401", "429", "491", "492", "500"]);
}

/// An app's own request needs a `User-Agent` that is not empty, and the document says so.
#[test]
fn an_empty_user_agent_has_not_the_schema_and_is_refused() {
    let example = Example::start();
    let document = served(&example);
    let operation = &document["paths"]["/taptalk/auth_ticket"]["post"];
    let parameters = operation["parameters"].as_array().unwrap();
    let user_agent = parameters.iter().find(|parameter| parameter["name"] == "User-Agent").unwrap();
    let body = &operation["requestBody"]["content"]["application/json"]["example"].to_string();
    let mut checker = Checker::new();
    for (value, status) in [("", 400), ("curl", 401)] {
        let headers = format!("user-agent: {value}\r\n");
        assert_eq!(example.send("POST", "/taptalk/auth_ticket", &headers, body).0, status, "{value:?}");
        assert_eq!(checker.check(&user_agent["schema"], &value.into()).is_ok(), status == 401, "{value:?}");
    }
}
