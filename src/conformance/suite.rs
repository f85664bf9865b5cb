use std::{collections::HashSet, fmt};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{Call, Expected, Report, run::Runner, values::Values};
use crate::{BoxError, Secret};

/// One call, and the answers that a row of the contract allows.
///
/// ```
/// use tower_verify::conformance::{Call, Check, Expected};
///
/// let call = Call::post("/session").body(r#"{"badge":"${badge}"}"#);
/// let answer = Expected::status(200).content_type("application/json").json(r#"{"session":"<text>"}"#).admits();
/// let check = Check::new("LK-1", "a good badge begins a session", call, answer).keeps("session", "/session");
/// assert_eq!((check.row(), check.name()), ("LK-1", "a good badge begins a session"));
/// ```
#[derive(Debug, Clone)]
pub struct Check {
    row: String,
    name: String,
    pub(super) call: Call,
    pub(super) expected: Expected,
    pub(super) keeps: Vec<(String, String)>,
    required: Vec<String>,
}

impl Check {
    /// A check. `row` is the id of the contract's row that says so.
    pub fn new(row: impl Into<String>, name: impl Into<String>, call: Call, expected: Expected) -> Self {
        Self { row: row.into(), name: name.into(), call, expected, keeps: Vec::new(), required: Vec::new() }
    }

    /// Keeps the string at the JSON pointer `pointer` of the answer as the secret `name`, for later calls.
    pub fn keeps(mut self, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.keeps.push((name.into(), pointer.into()));
        self
    }

    /// Skips the check if the suite has no value `name`. The values in the call are required anyway.
    pub fn requires(mut self, name: impl Into<String>) -> Self {
        self.required.push(name.into());
        self
    }

    /// The names of the values that must be there.
    pub(super) fn needs(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(|name| &**name).chain(self.call.needs())
    }

    /// The id of the contract's row.
    pub fn row(&self) -> &str {
        &self.row
    }

    /// The name: in a few words, the case that is checked.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The checks of one platform's contract: calls as the platform makes them, good and bad.
///
/// A suite plays the platform against any server: any Tower service in process, or an HTTP client for a server in any
/// language. The built-in platforms have theirs, with a builder for what only you know, such as a good token:
/// `diyalog::conformance`, `talkdesk::conformance` and `taptalk::conformance`. The [module](super) runs one. For a
/// platform of your own, write down its checks:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use tower::service_fn;
/// use tower_verify::{
///     BoxError,
///     conformance::{Call, Check, Expected, Suite, traps},
/// };
///
/// let open = || Expected::status(200).content_type("application/json").json(r#"{"open":true}"#).admits();
/// let shut = || Expected::status(400).content_type("application/json").json(r#"{"open":false}"#);
/// let members = [("badge", "${badge}"), ("pin", "${pin}")];
/// let unlock = |body: Vec<u8>| Call::post("/unlock").body(body);
///
/// let mut suite = Suite::new("lock", |answer| answer.body() == r#"{"open":true}"#)
///     .contract("**LK-1** The lock opens at `open: true` alone.\n\n**LK-2** Anything malformed is a 400.")
///     .value("badge", "4711")
///     .secret("pin", "605b32dd")
///     .check(Check::new("LK-1", "a good badge opens", unlock(traps::object(&members).into()), open()));
/// for trap in traps::bodies(&traps::object(&members)) {
///     suite = suite.check(Check::new("LK-2", trap.name, unlock(trap.text), shut()));
/// }
///
/// // A server that takes any body with the badge in it.
/// let careless = service_fn(|request: Request<Full<Bytes>>| async {
///     let body = request.into_body().collect().await?.to_bytes();
///     let open = body.windows(4).any(|window| window == b"4711");
///     let answer = Response::builder().status(if open { 200 } else { 400 });
///     let answer = answer.header("content-type", "application/json");
///     Ok::<_, BoxError>(answer.body(Full::<Bytes>::from(format!(r#"{{"open":{open}}}"#)))?)
/// });
///
/// # futures::executor::block_on(async {
/// let report = suite.run(careless).await;
/// let mut failed = report.failed();
/// assert!(failed.any(|finding| finding.row() == "LK-2" && finding.name() == "a body that breaks off"));
/// assert!(!report.to_string().contains("605b32dd"));
/// # });
/// ```
#[derive(Clone)]
pub struct Suite {
    pub(super) name: String,
    pub(super) contract: String,
    pub(super) base: String,
    pub(super) values: Values,
    pub(super) checks: Vec<Check>,
    pub(super) admitted: fn(&Response<Bytes>) -> bool,
    pub(super) hides_admitted: bool,
}

impl Suite {
    /// A suite without checks. `admitted` reads an answer as the platform does: if in doubt, it returns `true`.
    pub fn new(name: impl Into<String>, admitted: fn(&Response<Bytes>) -> bool) -> Self {
        Self {
            name: name.into(),
            contract: String::new(),
            base: String::new(),
            values: Values::default(),
            checks: Vec::new(),
            admitted,
            hides_admitted: false,
        }
    }

    /// Sets the contract in Markdown, from which a failure quotes its row: the text after `**id**`.
    pub fn contract(mut self, contract: impl Into<String>) -> Self {
        self.contract = contract.into();
        self
    }

    /// Sets a value that reports may show.
    pub fn value(mut self, name: &str, text: impl Into<String>) -> Self {
        self.values.insert(name, text.into().into(), false);
        self
    }

    /// Sets a secret. No report shows it, and no answer may repeat it.
    pub fn secret(mut self, name: &str, secret: impl Into<Secret>) -> Self {
        self.values.insert(name, secret.into(), true);
        self
    }

    /// Sets a secret, and two values that a server must tell from it: `name.shorter`, without its last character, and
    /// `name.swapped`, with the case of its ASCII letters swapped. A value that would be empty or the same is left out.
    pub fn secret_with_near_misses(mut self, name: &str, secret: &str) -> Self {
        let shorter = secret.char_indices().next_back().map_or("", |(last, _)| &secret[..last]);
        let swapped: String = secret.chars().map(swap_case).collect();
        for (kind, near_miss) in [("shorter", shorter), ("swapped", &*swapped)] {
            if !near_miss.is_empty() && near_miss != secret {
                self = self.secret(&format!("{name}.{kind}"), near_miss);
            }
        }
        self.secret(name, secret)
    }

    /// Sets that reports do not show the body of an answer that admits, because it has credentials.
    pub fn hides_admitted(mut self) -> Self {
        self.hides_admitted = true;
        self
    }

    /// Adds a check. Checks are run in this order.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds checks.
    pub fn checks(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.checks.extend(checks);
        self
    }

    /// Sends the calls below this URL, such as `http://127.0.0.1:3000/api`. The default is none, for a service in
    /// process.
    pub fn base_url(mut self, url: &str) -> Self {
        self.base = url.trim_end_matches('/').to_owned();
        self
    }

    /// Keeps the checks of these rows or names, and those whose answers they need.
    pub fn only<T: AsRef<str>>(mut self, wanted: impl IntoIterator<Item = T>) -> Self {
        let wanted: Vec<T> = wanted.into_iter().collect();
        let mut needed = HashSet::<String>::new();
        let mut kept: Vec<Check> = Vec::new();
        for check in self.checks.into_iter().rev() {
            let is = |wanted: &T| [&*check.row, &*check.name].contains(&wanted.as_ref());
            if wanted.iter().any(is) || check.keeps.iter().any(|(name, _)| needed.contains(name)) {
                needed.extend(check.needs().map(str::to_owned));
                kept.push(check);
            }
        }
        kept.reverse();
        self.checks = kept;
        self
    }

    /// The number of checks.
    pub fn len(&self) -> usize {
        self.checks.len()
    }

    /// Whether there is no check.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// Runs all checks against `service`, one after the other.
    ///
    /// An error of the service fails the check. There is no time limit: give the service one.
    pub async fn run<S, B>(&self, service: S) -> Report
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
        B: Body<Error: Into<BoxError>>,
    {
        self.run_with(service, |_| {}).await
    }

    /// Runs all checks, and calls `progress` with the report after each.
    pub async fn run_with<S, B>(&self, service: S, mut progress: impl FnMut(&Report)) -> Report
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
        B: Body<Error: Into<BoxError>>,
    {
        let mut runner = Runner::new(self, service);
        let mut report = Report::new(&self.name);
        for check in &self.checks {
            report.add(runner.run(check).await);
            progress(&report);
        }
        report
    }

    /// The contract's text of a row, on one line.
    pub(super) fn row(&self, id: &str) -> Option<String> {
        let mark = format!("**{id}**");
        let line = self.contract.lines().find(|line| line.contains(&mark))?;
        let text = if line.starts_with('|') {
            line.replace(&mark, "").trim_matches([' ', '|']).replace(" | ", ": ")
        } else {
            let begin = self.contract.find(&mark)? + mark.len();
            let paragraph = self.contract[begin..].split("\n\n").next()?;
            let end = paragraph.match_indices(" **").map(|(at, _)| at);
            let end = end.chain(paragraph.match_indices("\n**").map(|(at, _)| at));
            let is_row = |at: &usize| is_row_mark(&paragraph[at + 1..]);
            paragraph[..end.filter(is_row).min().unwrap_or(paragraph.len())].replace('\n', " ")
        };
        Some(text.trim().to_owned())
    }
}

fn swap_case(letter: char) -> char {
    if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
}

/// Whether the text begins with the mark of a row, such as `**DY-6**`.
fn is_row_mark(text: &str) -> bool {
    let id = text.strip_prefix("**").and_then(|rest| Some(rest.split_once("**")?.0));
    id.and_then(|id| id.split_once('-')).is_some_and(|(platform, number)| {
        platform.bytes().all(|byte| byte.is_ascii_uppercase()) && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("name", &self.name)
            .field("values", &self.values)
            .field("checks", &self.checks.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_quoted_from_a_table_or_a_paragraph() {
        let contract = "Intro.\n\n**XY-1** First\nline. **XY-2** Second **bold** `x`.\n**XY-3** Third.\n\nOther.\n\n\
            | a | b |\n|---|---|\n| **XY-4** | `Word` | when |\n";
        let suite = Suite::new("x", |_| true).contract(contract);
        for (id, text) in [
            ("XY-1", Some("First line.")),
            ("XY-2", Some("Second **bold** `x`.")),
            ("XY-3", Some("Third.")),
            ("XY-4", Some("`Word`: when")),
            ("XY-5", None),
        ] {
            assert_eq!(suite.row(id).as_deref(), text, "{id}");
        }
    }

    #[test]
    fn only_keeps_what_the_wanted_checks_need() {
        let check =
            |row, needs: &str| Check::new(row, format!("the check {row}"), Call::get(needs), Expected::not_admitted());
        let suite = Suite::new("x", |_| true)
            .check(check("A-1", "/").keeps("ticket", "/ticket"))
            .check(check("A-2", "/"))
            .check(check("A-3", "/${ticket}").keeps("token", "/token"))
            .check(check("A-4", "/${token}"));
        let rows = |wanted: &[&str]| {
            let suite = suite.clone().only(wanted);
            suite.checks.iter().map(|check| check.row().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(rows(&["A-4"]), ["A-1", "A-3", "A-4"]);
        assert_eq!(rows(&["the check A-2"]), ["A-2"]);
        assert!(suite.only(["A-9"]).is_empty());
    }
}
