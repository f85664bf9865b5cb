//! The compiler's messages for mistakes that users of the crate make: each one names the way out.
//!
//! The fixtures in `diagnostics/` are compiled with the compiler itself, against the library in the folder of this
//! test. Only the lines that the crate adds are asserted: the others are the compiler's, and change with it.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::SystemTime,
};

/// The libraries that a fixture is compiled against, by name.
struct Libraries(Vec<(&'static str, PathBuf)>);

impl Libraries {
    fn core() -> &'static Self {
        static NEWEST: OnceLock<Libraries> = OnceLock::new();
        NEWEST.get_or_init(|| Self::newest("control", &["tower_verify", "http"]))
    }

    fn with_axum() -> &'static Self {
        static NEWEST: OnceLock<Libraries> = OnceLock::new();
        NEWEST.get_or_init(|| Self::newest("control_axum", &["tower_verify", "http", "axum", "tower_layer"]))
    }

    #[cfg(feature = "talkdesk")]
    fn with_talkdesk() -> &'static Self {
        static NEWEST: OnceLock<Libraries> = OnceLock::new();
        NEWEST.get_or_init(|| Self::newest("control_talkdesk", &["tower_verify", "http", "serde"]))
    }

    /// The newest libraries of these names that the control compiles with. The folder also has libraries of other
    /// builds: with other features, by other compilers, of other versions.
    fn newest(control: &str, names: &[&'static str]) -> Self {
        let mut candidates = vec![Vec::new()];
        for name in names {
            let rlibs = rlibs(name);
            let with = |candidate: &Vec<_>, rlib: &PathBuf| [&candidate[..], &[(*name, rlib.clone())]].concat();
            candidates = candidates.iter().flat_map(|known| rlibs.iter().map(move |rlib| with(known, rlib))).collect();
        }
        let mut refusals = String::new();
        for libraries in candidates.into_iter().map(Self) {
            let output = libraries.compile(control);
            if output.status.success() {
                return libraries;
            }
            refusals.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        panic!("{control} compiles with no {names:?} in {}:\n{refusals}", deps().display())
    }

    fn compile(&self, fixture: &str) -> Output {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        for (name, path) in &self.0 {
            let mut library = OsString::from(format!("{name}="));
            library.push(path);
            rustc.arg("--extern").arg(library);
        }
        let mut dependencies = OsString::from("dependency=");
        dependencies.push(deps());
        rustc
            // The library was compiled in this folder, and the compiler looks here for its lines.
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--color=never", "-o"])
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{fixture}.rmeta")))
            .arg("-L")
            .arg(dependencies)
            .arg(format!("tests/diagnostics/{fixture}.rs"))
            .output()
            .expect("the compiler that compiled this test runs")
    }
}

/// The folder in which cargo put this test and its libraries.
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
    assert_refused_with(Libraries::core(), fixture, lines);
}

#[track_caller]
fn assert_refused_with(libraries: &Libraries, fixture: &str, lines: &[&str]) {
    let output = libraries.compile(fixture);
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

#[cfg(feature = "talkdesk")]
#[test]
fn a_verifier_of_a_type_that_must_be_wrapped_in_auth() {
    let lines = [
        "`Login` is not a `Credential`",
        "for `talkdesk::Validator::typed::<Login>()` the verifier must be for `Auth<Login>`: \
         implement `Verifier<talkdesk::Auth<Login>>`",
        "`Bridge` is not a `Verifier` of `Auth<Login>`",
        "implement `Verifier<Auth<Login>>` for it with \
         `async fn verify(&self, request: http::Request<Auth<Login>>)`",
    ];
    assert_refused_with(Libraries::with_talkdesk(), "untyped_verifier", &lines);
}

/// The way out is in a comment inside of the `impl` header that the compiler shows: see `Service` for `Verify` and
/// `Guard`.
#[test]
fn a_service_of_requests_given_to_axum_as_one_of_connections() {
    for layer in ["verify", "guard"] {
        let way_out = format!(
            "// For `axum::serve`, wrap it: \
             `axum::ServiceExt::<axum::extract::Request>::into_make_service({layer}.layer(router))`."
        );
        let lines = ["Service<IncomingStream<'a, L>>` is not implemented for", &way_out];
        assert_refused_with(Libraries::with_axum(), &format!("served_{layer}"), &lines);
    }
}
