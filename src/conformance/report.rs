use std::fmt;

use serde::Serialize;

use super::junit;

/// The results of a [`Suite`](super::Suite). `Display` is a table for people.
///
/// ```
/// use http_body_util::Full;
/// use tower::service_fn;
/// use tower_verify::conformance::{Call, Check, Expected, Suite};
///
/// let check = |name, target| Check::new("LK-1", name, Call::get(target), Expected::status(404));
/// let suite = Suite::new("lock", |_| false).check(check("a", "/a")).check(check("b", "/${badge}"));
///
/// # futures::executor::block_on(async {
/// let app = service_fn(|_| async { Ok::<_, std::io::Error>(http::Response::new(Full::<bytes::Bytes>::default())) });
/// let report = suite.run(app).await;
/// assert_eq!((report.passed().count(), report.failed().count(), report.skipped().count()), (0, 1, 1));
/// assert!(report.to_string().contains("✘ LK-1  a\n"));
/// assert!(report.to_string().contains("the status is 200, not 404"));
/// assert!(report.to_junit().starts_with("<?xml"));
/// assert_eq!(report.to_json()["findings"][1]["skipped"], "needs `badge`");
/// # });
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    suite: String,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(suite: &str) -> Self {
        Self { suite: suite.to_owned(), findings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The name of the suite.
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// The results, in the order of the checks.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The checks that passed.
    pub fn passed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.failed.is_none() && finding.skipped.is_none())
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.failed.is_some())
    }

    /// The checks that were not run, because a value was not given.
    pub fn skipped(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.skipped.is_some())
    }

    /// Panics with all failures, if there are any. Checks that were skipped do not count.
    ///
    /// # Panics
    /// If a check failed, or if none passed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().next().is_none() && self.passed().next().is_some(), "{self}");
    }

    /// The report as JSON: `suite`, and `findings` with `row`, `name`, and `skipped` or `failed`, which are null if the
    /// check passed.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is made of text")
    }

    /// The report as JUnit's XML, which CI systems show.
    pub fn to_junit(&self) -> String {
        junit::write(self)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.row.len()).max().unwrap_or_default();
        for finding in &self.findings {
            let sign = match (&finding.failed, &finding.skipped) {
                (Some(_), _) => '✘',
                (None, Some(_)) => '-',
                (None, None) => '✔',
            };
            write!(f, "{sign} {:width$}  {}", finding.row, finding.name)?;
            match &finding.skipped {
                Some(reason) => writeln!(f, " (skipped: {reason})")?,
                None => writeln!(f)?,
            }
            if let Some(failure) = &finding.failed {
                failure.to_string().lines().try_for_each(|line| writeln!(f, "    {line}"))?;
            }
        }
        let [passed, failed, skipped] =
            [self.passed().count(), self.failed().count(), self.skipped().count()].map(|count| count.to_string());
        write!(f, "{}: {passed} passed, {failed} failed, {skipped} skipped", self.suite)
    }
}

/// The result of one [`Check`](super::Check).
///
/// ```
/// use http_body_util::Full;
/// use tower::service_fn;
/// use tower_verify::conformance::{Call, Check, Expected, Suite};
///
/// let suite = Suite::new("lock", |_| false).check(Check::new("LK-1", "a", Call::get("/"), Expected::status(404)));
/// # futures::executor::block_on(async {
/// let app = service_fn(|_| async { Ok::<_, std::io::Error>(http::Response::new(Full::<bytes::Bytes>::default())) });
/// let report = suite.run(app).await;
/// let finding = &report.findings()[0];
/// assert_eq!((finding.row(), finding.name(), finding.skip_reason()), ("LK-1", "a", None));
/// assert_eq!(finding.violations(), ["the status is 200, not 404"]);
/// # });
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    row: String,
    name: String,
    skipped: Option<String>,
    failed: Option<Failed>,
}

impl Finding {
    pub(super) fn of(row: &str, name: &str) -> Self {
        Self { row: row.to_owned(), name: name.to_owned(), skipped: None, failed: None }
    }

    pub(super) fn skipped(self, reason: String) -> Self {
        Self { skipped: Some(reason), ..self }
    }

    pub(super) fn failed(
        self,
        sent: String,
        came: String,
        expected: String,
        contract: Option<String>,
        violations: Vec<String>,
    ) -> Self {
        Self { failed: Some(Failed { sent, came, expected, contract, violations }), ..self }
    }

    /// The id of the contract's row.
    pub fn row(&self) -> &str {
        &self.row
    }

    /// The name of the check.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why the check was not run, if it was not.
    pub fn skip_reason(&self) -> Option<&str> {
        self.skipped.as_deref()
    }

    /// The faults of the answer. Empty if the check passed or was skipped.
    pub fn violations(&self) -> &[String] {
        self.failed.as_ref().map_or(&[], |failed| &failed.violations)
    }

    pub(super) fn failure(&self) -> Option<&Failed> {
        self.failed.as_ref()
    }
}

/// The call, its answer, and the answer that should have come. Secrets are redacted.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Failed {
    sent: String,
    came: String,
    expected: String,
    contract: Option<String>,
    violations: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for violation in &self.violations {
            writeln!(f, "wrong     {violation}")?;
        }
        write!(f, "sent      {}\ncame      {}\nexpected  {}", self.sent, self.came, self.expected)?;
        match &self.contract {
            Some(row) => write!(f, "\ncontract  {row}"),
            None => Ok(()),
        }
    }
}
