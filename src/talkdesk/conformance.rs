//! Talkdesk as a caller: a suite of checks for any server, with the feature `conformance`.
//!
//! [`ValidatorCalls`] plays the activation of an integration. Every documented call is made, good and bad, and the
//! answers are held to the rows of the [contract](super). The good call is repeated, as Talkdesk may repeat it. A run
//! makes at most seven attempts with wrong credentials, so that a throttle of ten is not reached.
//!
//! [`conformance`](crate::conformance) has an example that runs such a suite, in process and over HTTP.

use http::Method;

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
    names: Vec<String>,
    failing: Vec<String>,
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
        suite = suite.contract(include_str!("contract.md")).hides_admitted();
        let mut names = Vec::new();
        for (name, value) in fields {
            suite = suite.secret_with_near_misses(&key(name), value);
            names.push(name.to_owned());
        }
        Self {
            suite,
            path: "/auth".into(),
            names,
            failing: Vec::new(),
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
            self.suite = self.suite.secret(&format!("{}.failing", key(name)), value);
            self.failing.push(name.to_owned());
        }
        self.suite = self.suite.value("failing", "given");
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

    /// The members of `auth`: each field with its value, the last one with the template `last`.
    fn fields(&self, last: &str) -> String {
        let (secret, others) = self.names.split_last().map_or(("", &[][..]), |(last, others)| (&**last, others));
        let mut fields: Vec<_> = others.iter().map(|name| (name.clone(), value(name, ""))).collect();
        fields.push((secret.to_owned(), last.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{}:\"{value}\"", quoted(name))).collect();
        fields.join(",")
    }

    fn secret(&self) -> &str {
        self.names.last().map_or("", |name| name)
    }

    fn good_fields(&self) -> String {
        self.fields(&value(self.secret(), ""))
    }

    fn good_body(&self) -> String {
        format!(r#"{{"auth":{{{}}}}}"#, self.good_fields())
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
        let (fields, mut reversed) = (self.good_fields(), self.names.clone());
        reversed.reverse();
        let reversed: Vec<_> =
            reversed.iter().map(|name| format!("{}:\"{}\"", quoted(name), value(name, ""))).collect();
        let escaped: Vec<_> =
            self.names.iter().map(|name| format!("{}:\"{}\"", quoted(name), value(name, "|all"))).collect();
        vec![
            check("TD-10", "the good fields", self.good_call()),
            check("TD-8", "the same call again", self.good_call()),
            check("TD-8", "a query beside the body", self.good_call().target(format!("{}?x=1", self.path))),
            check("TD-8", "a chunked body", self.good_call().header("transfer-encoding", "chunked")),
            check("TD-1", "fields in another order", self.call(format!(r#"{{"auth":{{{}}}}}"#, reversed.join(",")))),
            check("TD-2", "values with escapes", self.call(format!(r#"{{"auth":{{{}}}}}"#, escaped.join(",")))),
            check("TD-5", "white space", self.call(format!("\r\n{{ \"auth\" :\t{{ {fields} }}\n}} "))),
            check(
                "TD-6",
                "other members after `auth`",
                self.call(format!(r#"{{"auth":{{{fields}}},"meta":{{"auth":{{}}}},"x":null}}"#)),
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
        let secret = self.secret();
        let auth = |fields: String| self.call(format!(r#"{{"auth":{{{fields}}}}}"#));
        let failing: Vec<_> =
            self.failing.iter().map(|name| format!("{}:\"{}\"", quoted(name), value(name, ".failing"))).collect();
        let no_verdict = refused(self.no_verdict_status);
        let good = self.good_call();
        let mut checks = vec![
            Check::new("TD-10", "a grant is not stored", good, self.granted().not_stored()),
            Check::new(
                "TD-11",
                "a denial is not stored",
                auth(String::new()),
                refused(401).or(refused(400)).not_stored(),
            ),
            Check::new("TD-13", "an answer to a bad request is not stored", self.call("{}"), refused(400).not_stored()),
            Check::new(
                "TD-11",
                "a secret without its last character",
                auth(self.fields(&value(secret, ".shorter"))),
                refused(401),
            ),
            Check::new(
                "TD-11",
                "a secret in another case",
                auth(self.fields(&value(secret, ".swapped"))),
                refused(401),
            ),
            Check::new(
                "TD-11",
                "a secret with a space after it",
                auth(self.fields(&format!("{} ", value(secret, "")))),
                refused(401),
            ),
            Check::new("TD-12", "a failing verifier", auth(failing.join(",")), no_verdict).requires("failing"),
        ];
        for (row, name, fields) in [
            ("TD-11", "no field", String::new()),
            ("TD-1", "the secret's name in another case", self.renamed()),
            ("TD-2", "the secret is an integer", self.last_is("7")),
            ("TD-2", "the secret is true", self.last_is("true")),
        ] {
            checks.push(Check::new(row, name, auth(fields), refused(401).or(refused(400))));
        }
        checks
    }

    /// The good fields, with a JSON value in place of the secret.
    fn last_is(&self, value: &str) -> String {
        self.good_fields().replace(&format!("\"{}\"", self::value(self.secret(), "")), value)
    }

    fn renamed(&self) -> String {
        let name = quoted(self.secret());
        self.good_fields().replace(&format!("{name}:"), &format!("{}:", name.to_uppercase()))
    }

    fn malformed(&self) -> Vec<Check> {
        let (secret, good) = (self.secret(), self.good_fields());
        let (name, value) = (quoted(secret), format!("\"{}\"", value(secret, "")));
        let mut bodies: Vec<(&str, String, Vec<u8>)> = Vec::new();
        let mut auth = |row, name: &str, fields: String| {
            bodies.push((row, name.to_owned(), format!(r#"{{"auth":{{{fields}}}}}"#).into_bytes()));
        };
        auth("TD-3", "the secret is a fraction", self.last_is("1.5"));
        auth("TD-3", "the secret is null", self.last_is("null"));
        auth("TD-3", "the secret is an array", self.last_is(&format!("[{value}]")));
        auth("TD-3", "the secret is an object", self.last_is(&format!("{{\"$ne\":{value}}}")));
        auth("TD-3", "another field is an integer of more than 64 bits", format!("{good},\"x\":9223372036854775808"));
        auth("TD-4", "the secret is given twice", format!("{good},{name}:{value}"));
        auth("TD-4", "the secret is given twice, first a wrong one", format!("{name}:\"wrong\",{good}"));
        auth("TD-4", "another field is given twice", format!("{good},\"x\":\"1\",\"\\u0078\":\"1\""));
        for (name, auth) in [
            ("`auth` is null", "null"),
            ("`auth` is a string", "\"\""),
            ("`auth` is an array", "[]"),
            ("`auth` is a number", "7"),
        ] {
            bodies.push(("TD-5", name.into(), format!(r#"{{"auth":{auth}}}"#).into_bytes()));
        }
        let twice = format!(r#"{{"auth":{{{good}}},"auth":{{{good}}}}}"#);
        bodies.push(("TD-4", "`auth` is given twice".into(), twice.into_bytes()));
        bodies.push(("TD-5", "`auth` is missing".into(), format!("{{{good}}}").into_bytes()));
        bodies.push(("TD-5", "`Auth` in place of `auth`".into(), format!(r#"{{"Auth":{{{good}}}}}"#).into_bytes()));
        bodies.push(("TD-5", "a form".into(), b"auth[username]=john".into()));
        let whole = traps::bodies(&self.good_body()).into_iter();
        let bodies = bodies.into_iter().chain(whole.map(|trap| ("TD-5", trap.name, trap.text)));
        // Contract: TD-13.
        bodies.map(|(row, name, body)| Check::new(row, name, self.call(body), refused(400))).collect()
    }

    fn sizes(&self) -> Vec<Check> {
        let deep = format!(r#"{{"x":{}{},"auth":{{{}}}}}"#, "[".repeat(2000), "]".repeat(2000), self.good_fields());
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

/// The name of a field as a JSON string.
fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// The template of a field's value, of a near miss or with a filter.
fn value(name: &str, kind: &str) -> String {
    format!("${{{}{kind}}}", key(name))
}

/// The name of a field's value. It has no character with a meaning in a template.
fn key(name: &str) -> String {
    name.replace(['|', '}'], "_")
}
