use http::Method;

use super::{AUTH_TOKEN, CONTRACT, strangers};
use crate::{
    Secret,
    conformance::{Call, Check, Expected, Suite, traps},
    diyalog::Vocabulary,
};

/// Diyalog's check of a customer, as it is called: a builder of the [`Suite`] for a
/// [`CustomerEndpoint`](crate::diyalog::CustomerEndpoint), or for any server of the same contract.
///
/// ```
/// use tower_verify::diyalog::conformance::CustomerCalls;
///
/// let suite = CustomerCalls::new("1234", "2121sa", "1234567")
///     .expired_token("9f21b7")
///     .caller_secret("current-value")
///     .suite();
/// assert!(suite.len() > 80);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CustomerCalls {
    suite: Suite,
    path: String,
    vocabulary: Vocabulary,
    quoted: bool,
    known_caller: bool,
}

const TRIO: &[(&str, &str)] =
    &[("deviceId", "${device_id}"), ("dlgToken", "${dlg_token}"), ("customerNo", "${customer_no}")];

/// A token of another customer, whose attempts count for nobody who is let in.
const OTHER_CUSTOMER: &str = r#"{"deviceId":"${device_id}","dlgToken":"${dlg_token}","customerNo":"${customer_no}0"}"#;

impl CustomerCalls {
    /// Calls about a good trio. It must stay good for the whole run.
    pub fn new(device_id: &str, dlg_token: &str, customer_no: &str) -> Self {
        let suite = Suite::new("diyalog.customer", |answer| {
            let text = String::from_utf8_lossy(answer.body());
            text.trim_matches(|letter: char| letter.is_whitespace() || letter == '"').eq_ignore_ascii_case("validated")
        });
        let suite = suite.contract(CONTRACT).value("device_id", device_id).value("customer_no", customer_no);
        Self {
            suite: suite.secret_with_near_misses("dlg_token", dlg_token),
            path: "/checkauthtoken".into(),
            vocabulary: Vocabulary::Current,
            quoted: false,
            known_caller: false,
        }
    }

    /// Sets another path than `/checkauthtoken`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the words that the server answers in.
    pub fn vocabulary(mut self, vocabulary: Vocabulary) -> Self {
        self.vocabulary = vocabulary;
        self
    }

    /// Sets whether the server answers with a JSON string. The default is `false`.
    pub fn quoted(mut self, quoted: bool) -> Self {
        self.quoted = quoted;
        self
    }

    /// Sets a token of the good customer and device that has expired.
    pub fn expired_token(mut self, token: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret("expired_token", token);
        self
    }

    /// Sets a trio for which the server's verifier fails, such as by an unavailable database.
    pub fn failing(mut self, device_id: &str, dlg_token: &str, customer_no: &str) -> Self {
        let suite = self.suite.value("failing_device_id", device_id).value("failing_customer_no", customer_no);
        self.suite = suite.secret("failing_token", dlg_token);
        self
    }

    /// Sets the value of `Auth-Token` that the server requires.
    pub fn caller_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret_with_near_misses("caller_secret", secret.into().expose_secret());
        self.known_caller = true;
        self
    }

    /// Sets the size in bytes of the largest body that the server takes.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.suite = self.suite.value("body_limit", limit.to_string());
        self
    }

    /// The suite, to be run.
    pub fn suite(self) -> Suite {
        let checks = [self.good(), self.refused(), self.malformed(), self.sizes(), self.others()].concat();
        self.suite.checks(checks)
    }

    fn call(&self, body: impl Into<Vec<u8>>) -> Call {
        let call = Call::post(&*self.path).header("content-type", "application/json").body(body);
        if self.known_caller { call.header(AUTH_TOKEN, "${caller_secret}") } else { call }
    }

    fn good_call(&self) -> Call {
        self.call(traps::object(TRIO))
    }

    /// The answer with a word of the current vocabulary.
    fn word(&self, word: &'static str) -> Expected {
        let word = match (self.vocabulary, word) {
            (Vocabulary::Older, "InvalidToken") => "InvalidCode",
            (Vocabulary::Older, "ExpiredToken") => "ExpiredCode",
            (Vocabulary::Older, "InvalidDeviceId") => "InvalidHash",
            (Vocabulary::Older, "BadRequest") => "InternalError",
            (_, word) => word,
        };
        let answer = Expected::status(200);
        match self.quoted {
            true => answer.content_type("application/json").body(format!("\"{word}\"")),
            false => answer.content_type("text/plain; charset=utf-8").body(word),
        }
    }

    fn validated(&self) -> Expected {
        self.word("Validated").admits()
    }

    fn good(&self) -> Vec<Check> {
        let check = |row: &str, name: &str, call| Check::new(row, name, call, self.validated());
        let plain = |content_type| self.good_call().without_header("content-type").header("content-type", content_type);
        let hash = |text: &str| self.call(with_member(text));
        let mut checks = vec![
            check("DY-10", "the good trio", self.good_call()),
            check("DY-1", "the same call again", self.good_call()),
            check("DY-1", "a query beside the body", self.good_call().target(format!("{}?x=1", self.path))),
            check("DY-1", "a chunked body", self.good_call().header("transfer-encoding", "chunked")),
            check("DY-2", "a device hash", hash(r#""deviceHash":"fwCZgi6zl2DPuNck6H644eq6JfPZpXKCqa2ouP2JS+k=""#)),
            check("DY-2", "a device hash of null", hash(r#""deviceHash":null"#)),
            check("DY-2", "an empty device hash", hash(r#""deviceHash":"""#)),
            check("DY-2", "no content type", self.good_call().without_header("content-type")),
            check("DY-2", "the content type text/plain", plain("text/plain")),
            check("DY-2", "the content type of a form", plain("application/x-www-form-urlencoded")),
        ];
        for (name, call, answer) in [
            ("a good answer is not stored", self.good_call(), self.validated()),
            ("a refusal is not stored", self.call(OTHER_CUSTOMER), self.word("InvalidToken")),
            ("an answer to a bad request is not stored", self.call("{}"), self.word("BadRequest")),
        ] {
            checks.push(Check::new("DY-24", name, call, answer.not_stored()));
        }
        let variations = traps::object_variations(TRIO).into_iter();
        checks.extend(variations.map(|trap| check("DY-2", &trap.name, self.call(trap.text))));
        checks
    }

    fn refused(&self) -> Vec<Check> {
        let trio = |device_id, token, customer_no| {
            self.call(traps::object(&[("deviceId", device_id), ("dlgToken", token), ("customerNo", customer_no)]))
        };
        let (device, token, customer) = ("${device_id}", "${dlg_token}", "${customer_no}");
        [
            (
                "DY-11",
                "a token without its last character",
                trio(device, "${dlg_token.shorter}", customer),
                "InvalidToken",
            ),
            ("DY-11", "a token in another case", trio(device, "${dlg_token.swapped}", customer), "InvalidToken"),
            ("DY-11", "a token with a space after it", trio(device, "${dlg_token} ", customer), "InvalidToken"),
            ("DY-11", "a token with a NUL after it", trio(device, "${dlg_token}\\u0000", customer), "InvalidToken"),
            ("DY-11", "the token of another customer", self.call(OTHER_CUSTOMER), "InvalidToken"),
            ("DY-12", "an expired token", trio(device, "${expired_token}", customer), "ExpiredToken"),
            ("DY-13", "the token of another device", trio("${device_id}0", token, customer), "InvalidDeviceId"),
            (
                "DY-14",
                "a failing verifier",
                trio("${failing_device_id}", "${failing_token}", "${failing_customer_no}"),
                "InternalError",
            ),
        ]
        .map(|(row, name, call, word)| Check::new(row, name, call, self.word(word)))
        .into()
    }

    fn malformed(&self) -> Vec<Check> {
        let members = TRIO.iter().flat_map(|(name, _)| traps::member(TRIO, name));
        let bad = traps::bodies(&traps::object(TRIO)).into_iter().chain(members);
        let malformed = |trap: traps::Trap<Vec<u8>>| {
            let row = if trap.name.contains("twice") { "DY-2" } else { "DY-15" };
            Check::new(row, trap.name, self.call(trap.text), self.word("BadRequest"))
        };
        let mut checks: Vec<_> = bad.map(malformed).collect();
        for (name, member) in [
            ("a device hash that is a number", r#""deviceHash":7"#),
            ("a device hash that is given twice", r#""deviceHash":"a","deviceHash":"a""#),
        ] {
            checks.push(Check::new("DY-2", name, self.call(with_member(member)), self.word("BadRequest")));
        }
        let form = self.call(traps::query(TRIO));
        checks.push(Check::new("DY-15", "a form", form, self.word("BadRequest")));
        checks
    }

    fn sizes(&self) -> Vec<Check> {
        let (validated, refused) = (self.validated(), self.word("BadRequest"));
        let deep = self.call(with_member(&format!("\"x\":{}{}", "[".repeat(2000), "]".repeat(2000))));
        let deep = Check::new("DY-4", "an unknown member of 2,000 arrays", deep, refused.clone().or(validated.clone()));
        let sizes = traps::sizes("DY-15", &self.good_call(), &validated, &refused);
        [deep].into_iter().chain(sizes).collect()
    }

    fn others(&self) -> Vec<Check> {
        let methods = [Method::GET, Method::HEAD, Method::PUT];
        let mut checks = traps::elsewhere("DY-1", &self.good_call(), methods);
        checks.extend(strangers(&self.good_call(), &self.word("BadRequest").at_status(401)));
        checks
    }
}

/// The good trio and another member.
fn with_member(member: &str) -> String {
    let good = traps::object(TRIO);
    format!("{},{member}}}", &good[..good.len() - 1])
}
