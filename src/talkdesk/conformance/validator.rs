use http::Method;

use super::{CONTRACT, fields::Fields};
use crate::conformance::{Call, Check, Expected, Suite, traps};

/// Talkdesk's authorization validator, as it is called: a builder of the [`Suite`] for a
/// [`Validator`](crate::talkdesk::Validator), or for any server of the same contract.
///
/// ```
/// use tower_verify::talkdesk::conformance::ValidatorCalls;
///
/// let suite = ValidatorCalls::new([("username", "john@example.com"), ("password", "605b32dd")])
///     .failing([("username", "outage@example.com"), ("password", "605b32dd")])
///     .suite();
/// assert!(suite.len() > 50);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ValidatorCalls {
    suite: Suite,
    path: String,
    fields: Fields,
    failing: Fields,
    no_verdict_status: u16,
    legacy_no_content: bool,
}

impl ValidatorCalls {
    /// Calls with the good fields of an activation. The last one is the secret that is tried in wrong forms: a password
    /// or a key.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut suite = Suite::new("talkdesk.validator", |answer| {
            let object = serde_json::from_slice::<serde_json::Value>(answer.body()).is_ok_and(|body| body.is_object());
            answer.status().is_success() && (object || answer.status() == 204)
        });
        suite = suite.contract(CONTRACT).hides_admitted();
        let mut good = Fields::default();
        for (name, value) in fields {
            suite = good.push(suite, name, &value.into());
        }
        Self {
            suite,
            path: "/auth".into(),
            fields: good,
            failing: Fields::default(),
            no_verdict_status: 401,
            legacy_no_content: false,
        }
    }

    /// Sets another path than `/auth`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets fields for which the server's verifier fails, such as by an unavailable database.
    pub fn failing<'a>(mut self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (name, value) in fields {
            self.suite = self.failing.push_failing(self.suite, name, &value.into());
        }
        self
    }

    /// Sets the status that the server answers with when it has no verdict. The default is 401.
    pub fn no_verdict_status(mut self, status: u16) -> Self {
        self.no_verdict_status = status;
        self
    }

    /// Sets whether the server answers a grant with 204 and no body. The default is `false`.
    pub fn legacy_no_content(mut self, legacy_no_content: bool) -> Self {
        self.legacy_no_content = legacy_no_content;
        self
    }

    /// Sets the size in bytes of the largest body that the server takes.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.suite = self.suite.value("body_limit", limit.to_string());
        self
    }

    /// The suite, to be run.
    pub fn suite(self) -> Suite {
        let checks = [self.good(), self.denied(), self.malformed(), self.sizes()].concat();
        let elsewhere = traps::elsewhere("TD-8", &self.good_call(), [Method::GET, Method::PUT]);
        self.suite.checks(checks).checks(elsewhere)
    }

    fn call(&self, body: impl Into<Vec<u8>>) -> Call {
        Call::post(&*self.path).header("content-type", "application/json").body(body)
    }

    fn auth(&self, members: &str) -> Call {
        self.call(format!(r#"{{"auth":{{{members}}}}}"#))
    }

    fn good_body(&self) -> String {
        format!(r#"{{"auth":{{{}}}}}"#, self.fields.members())
    }

    fn good_call(&self) -> Call {
        self.call(self.good_body())
    }

    fn granted(&self) -> Expected {
        let parameters = Expected::status(200).content_type("application/json").json(r#"{"*":"<scalar>"}"#).admits();
        let granted = match self.legacy_no_content {
            true => Expected::status(204).body("").admits().or(parameters),
            false => parameters,
        };
        granted.may_repeat_secrets()
    }

    fn good(&self) -> Vec<Check> {
        let check = |row: &str, name: &str, call| Check::new(row, name, call, self.granted());
        let plain = |content_type| self.good_call().without_header("content-type").header("content-type", content_type);
        let fields = self.fields.members();
        vec![
            check("TD-10", "the good fields", self.good_call()),
            check("TD-8", "the same call again", self.good_call()),
            check("TD-8", "a query beside the body", self.good_call().target(format!("{}?x=1", self.path))),
            check("TD-8", "a chunked body", self.good_call().header("transfer-encoding", "chunked")),
            check("TD-1", "fields in another order", self.auth(&self.fields.reversed())),
            check("TD-2", "values with escapes", self.auth(&self.fields.escaped())),
            check("TD-5", "an escape in the name of `auth`", self.call(format!(r#"{{"\u0061uth":{{{fields}}}}}"#))),
            check("TD-5", "white space", self.call(format!("\r\n{{ \"auth\" :\t{{ {fields} }}\n}} "))),
            check(
                "TD-6",
                "other members after `auth`",
                self.call(format!(r#"{{"auth":{{{fields}}},"meta":{{"auth":{{}}}},"x":null}}"#)),
            ),
            check(
                "TD-6",
                "another member that is given twice",
                self.call(format!(r#"{{"auth":{{{fields}}},"x":1,"x":2}}"#)),
            ),
            check(
                "TD-6",
                "other members before `auth`",
                self.call(format!(r#"{{"data":[{{"auth":1.5}}],"auth":{{{fields}}}}}"#)),
            ),
            check("TD-7", "no content type", self.good_call().without_header("content-type")),
            check("TD-7", "the content type text/plain", plain("text/plain")),
            check("TD-7", "the content type of a form", plain("application/x-www-form-urlencoded")),
        ]
    }

    fn denied(&self) -> Vec<Check> {
        let mut checks = vec![
            Check::new("TD-10", "a grant is not stored", self.good_call(), self.granted().not_stored()),
            Check::new("TD-11", "a denial is not stored", self.auth(""), refused(401).or(refused(400)).not_stored()),
            Check::new("TD-13", "an answer to a bad request is not stored", self.call("{}"), refused(400).not_stored()),
        ];
        let mut wrong = self.fields.wrong();
        wrong.push(("TD-1", "no field", String::new()));
        wrong.push(("TD-2", "the secret is true", self.fields.secret_is("true")));
        for (row, name, members) in wrong {
            // Fields of another name or type may be malformed to the server.
            let denied = if row == "TD-11" { refused(401) } else { refused(401).or(refused(400)) };
            checks.push(Check::new(row, name, self.auth(&members), denied));
        }
        let failing = self.auth(&self.failing.members());
        checks.push(
            Check::new("TD-12", "a failing verifier", failing, refused(self.no_verdict_status)).requires("failing"),
        );
        checks
    }

    fn malformed(&self) -> Vec<Check> {
        let auth = self.fields.malformed("").into_iter();
        let auth = auth.map(|(row, name, body)| (row, name.to_owned(), body.into_bytes()));
        let whole = traps::bodies(&self.good_body()).into_iter().map(|trap| ("TD-5", trap.name, trap.text));
        let form = ("TD-5", "a form".to_owned(), b"auth[username]=john".into());
        let bodies = auth.chain(whole).chain([form]);
        // Contract: TD-13.
        bodies.map(|(row, name, body)| Check::new(row, name, self.call(body), refused(400))).collect()
    }

    fn sizes(&self) -> Vec<Check> {
        let deep = format!(r#"{{"x":{}{},"auth":{{{}}}}}"#, "[".repeat(2000), "]".repeat(2000), self.fields.members());
        let granted = self.granted();
        let deep =
            Check::new("TD-6", "an unknown member of 2,000 arrays", self.call(deep), granted.clone().or(refused(400)));
        [deep].into_iter().chain(traps::sizes("TD-14", &self.good_call(), &granted, &refused(413))).collect()
    }
}

/// A refusal: a JSON error, and a challenge with a 401.
fn refused(status: u16) -> Expected {
    Expected::status(status).content_type("application/json").json(r#""<object>""#)
}
