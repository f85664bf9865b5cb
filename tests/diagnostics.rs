//! What the compiler says to the mistakes that users of the crate make: each message has our own words in it.
//!
//! The fixtures in `diagnostics/` are compiled with the compiler itself, against the library that stands beside this
//! test. Only our own lines are asserted: the others are the compiler's, and change with it.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::SystemTime,
};

/// The libraries that a fixture is compiled against.
struct Libraries {
    tower_verify: PathBuf,
    http: PathBuf,
}

impl Libraries {
    /// The newest pair that fit together, this compiler and the control: builds with other features, by other compilers
    /// or with another version of `http` stand in the same folder.
    fn newest() -> &'static Self {
        static NEWEST: OnceLock<Libraries> = OnceLock::new();
        NEWEST.get_or_init(|| {
            let mut refusals = String::new();
            for tower_verify in rlibs("tower_verify") {
                for http in rlibs("http") {
                    let libraries = Self { tower_verify: tower_verify.clone(), http };
                    let output = libraries.compile("control");
                    if output.status.success() {
                        return libraries;
                    }
                    refusals.push_str(&String::from_utf8_lossy(&output.stderr));
                }
            }
            panic!("the control compiles with no library in {}:\n{refusals}", deps().display())
        })
    }

    fn compile(&self, fixture: &str) -> Output {
        let named = |name: &str, path: &Path| {
            let mut argument = OsString::from(format!("{name}="));
            argument.push(path);
            argument
        };
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            // The library was compiled here, and its lines are found from here.
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--color=never", "-o"])
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{fixture}.rmeta")))
            .arg("--extern")
            .arg(named("tower_verify", &self.tower_verify))
            .arg("--extern")
            .arg(named("http", &self.http))
            .arg("-L")
            .arg(named("dependency", &deps()))
            .arg(format!("tests/diagnostics/{fixture}.rs"))
            .output()
            .expect("the compiler that compiled this test runs")
    }
}

/// Where cargo put this test, and the libraries that it was linked with.
fn deps() -> PathBuf {
    let mut path = env::current_exe().expect("a test has a path");
    path.pop();
    path
}

/// The libraries of this name, the newest first.
fn rlibs(name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    let mut rlibs: Vec<(SystemTime, PathBuf)> = fs::read_dir(deps())
        .expect("the folder of the test can be read")
        .map(|entry| entry.expect("the folder of the test can be read"))
        .filter(|entry| {
            let file = entry.file_name();
            let file = file.to_string_lossy();
            file.starts_with(&prefix) && file.ends_with(".rlib")
        })
        .map(|entry| (entry.metadata().and_then(|file| file.modified()).expect("files have times"), entry.path()))
        .collect();
    rlibs.sort();
    rlibs.into_iter().rev().map(|(_, path)| path).collect()
}

#[track_caller]
fn assert_refused(fixture: &str, lines: &[&str]) {
    let output = Libraries::newest().compile(fixture);
    let stderr = String::from_utf8(output.stderr).expect("the compiler writes text");
    assert_eq!(output.status.code(), Some(1), "the compiler accepts {fixture}, or broke:\n{stderr}");
    for line in lines {
        assert!(stderr.contains(line), "{fixture}: there is no {line:?} in\n{stderr}");
    }
}

const IMPLEMENT_VERIFIER: &str = "implement `Verifier<CustomerToken>` for it with \
                                  `async fn verify(&self, request: http::Request<CustomerToken>)`";
const WRAP_CLOSURE: &str =
    "a closure becomes a verifier by `verifier_fn(|request: http::Request<CustomerToken>| async move { .. })`";

#[test]
fn a_verifier_of_another_credential() {
    let message = "`Reception` is not a `Verifier` of `CustomerToken`";
    assert_refused("wrong_credential", &[message, "cannot verify `CustomerToken`", IMPLEMENT_VERIFIER]);
}

#[test]
fn a_verdict_of_another_platform() {
    assert_refused("wrong_verdict", &["found `Result<bool,", "required by this bound in `verifier_fn`"]);
}

#[test]
fn a_method_whose_future_is_not_send() {
    let bound = "what the `async fn` holds across an `.await` must be `Send`";
    assert_refused("not_send_method", &[bound, "required by this bound in `Verifier::verify"]);
}

#[test]
fn a_closure_whose_future_is_not_send() {
    let bound = "what the `async` block holds across an `.await` must be `Send`";
    assert_refused("not_send_closure", &[bound, "required by this bound in `verifier_fn`"]);
}

#[test]
fn a_value_that_is_no_verifier() {
    let message = "`Bank` is not a `Verifier` of `CustomerToken`";
    assert_refused("not_a_verifier", &[message, "cannot verify `CustomerToken`", IMPLEMENT_VERIFIER, WRAP_CLOSURE]);
}

#[test]
fn a_closure_that_is_not_wrapped() {
    assert_refused("bare_closure", &["is not a `Verifier` of `CustomerToken`", WRAP_CLOSURE]);
}

#[test]
fn endpoint_and_verifier_swapped() {
    let lines = [
        "`Bank` is not an `Endpoint`",
        "not one of the routes that a platform calls",
        "the first argument of `VerifyLayer::new` is the endpoint, the second one its verifier",
        "`CustomerEndpoint` is not a `Verifier` of",
    ];
    assert_refused("swapped", &lines);
}
