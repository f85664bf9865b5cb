use http::Method;

use super::{AUTH_TOKEN, CONTRACT, strangers};
use crate::{
    Secret,
    conformance::{Call, Check, Expected, Suite, traps},
};

/// Diyalog's check of an agent, as it is called: a builder of the [`Suite`] for an
/// [`AgentEndpoint`](crate::diyalog::AgentEndpoint), or for any server of the same contract.
///
/// Whether a `+` is a space can be seen only if one of the good trio has a space. Otherwise that check is skipped.
///
/// ```
/// use tower_verify::diyalog::conformance::AgentCalls;
///
/// let suite = AgentCalls::new("s-7", "b1f0", "45 186").expired_token("9f21b7").suite();
/// assert!(suite.len() > 50);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct AgentCalls {
    suite: Suite,
    path: String,
    known_caller: bool,
}

const TRIO: &[(&str, &str)] = &[("sessionId", "${session_id}"), ("token", "${dlg_token}"), ("userNo", "${user_no}")];

impl AgentCalls {
    /// Calls about a good trio. It must stay good for the whole run.
    pub fn new(session_id: &str, token: &str, user_no: &str) -> Self {
        let suite = Suite::new("diyalog.agent", |answer| {
            let text: String = String::from_utf8_lossy(answer.body()).split_whitespace().collect();
            let text = text.to_lowercase().replace("\"true\"", "true");
            text.contains("\"success\":true") || text.contains("\"success\":1")
        });
        let suite = suite.contract(CONTRACT).value("session_id", session_id).value("user_no", user_no);
        let spaced = [session_id, token, user_no].iter().any(|text| text.contains(' '));
        let suite = if spaced { suite.value("trio_with_a_space", "given") } else { suite };
        Self {
            suite: suite.secret_with_near_misses("dlg_token", token),
            path: "/CheckToken".into(),
            known_caller: false,
        }
    }

    /// Sets another path than `/CheckToken`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets a token of the good agent and session that has expired.
    pub fn expired_token(mut self, token: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret("expired_token", token);
        self
    }

    /// Sets a trio for which the server's verifier fails, such as by an unavailable database.
    pub fn failing(mut self, session_id: &str, token: &str, user_no: &str) -> Self {
        let suite = self.suite.value("failing_session_id", session_id).value("failing_user_no", user_no);
        self.suite = suite.secret("failing_token", token);
        self
    }

    /// Sets the value of `Auth-Token` that the server requires.
    pub fn caller_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret_with_near_misses("caller_secret", secret.into().expose_secret());
        self.known_caller = true;
        self
    }

    /// The suite, to be run.
    pub fn suite(self) -> Suite {
        let checks = [self.good(), self.refused(), self.malformed(), self.others()].concat();
        self.suite.checks(checks)
    }

    fn call(&self, query: &str) -> Call {
        let call = Call::get(format!("{}?{query}", self.path));
        if self.known_caller { call.header(AUTH_TOKEN, "${caller_secret}") } else { call }
    }

    fn good(&self) -> Vec<Check> {
        let good = traps::query(TRIO);
        let check = |row: &str, name: &str, query: &str| Check::new(row, name, self.call(query), verified());
        let plus = "sessionId=${session_id|plus}&token=${dlg_token|plus}&userNo=${user_no|plus}";
        let mut checks = vec![
            check("DY-22", "the good trio", &good),
            check("DY-20", "the same call again", &good),
            check("DY-21", "a plus is a space", plus).requires("trio_with_a_space"),
        ];
        let other_agent = traps::query(&[TRIO[0], TRIO[1], ("userNo", "${user_no}0")]);
        for (name, query, answer) in [
            ("a good answer is not stored", &*good, verified()),
            ("a refusal is not stored", &*other_agent, refused()),
            ("an answer to a bad request is not stored", "token=", refused()),
        ] {
            checks.push(Check::new("DY-24", name, self.call(query), answer.not_stored()));
        }
        let variations = traps::query_variations(TRIO).into_iter();
        checks.extend(variations.map(|trap| check("DY-21", &trap.name, &trap.text)));
        checks
    }

    fn refused(&self) -> Vec<Check> {
        let (session, token, user) = ("${session_id}", "${dlg_token}", "${user_no}");
        [
            ("DY-23", "a token without its last character", [session, "${dlg_token.shorter}", user]),
            ("DY-23", "a token in another case", [session, "${dlg_token.swapped}", user]),
            ("DY-23", "a token with a space after it", [session, "${dlg_token}+", user]),
            ("DY-23", "the token of another session", ["${session_id}0", token, user]),
            ("DY-23", "the token of another agent", [session, token, "${user_no}0"]),
            ("DY-23", "an expired token", [session, "${expired_token}", user]),
            ("DY-23", "a failing verifier", ["${failing_session_id}", "${failing_token}", "${failing_user_no}"]),
        ]
        .map(|(row, name, [session, token, user])| {
            let query = traps::query(&[("sessionId", session), ("token", token), ("userNo", user)]);
            Check::new(row, name, self.call(&query), refused())
        })
        .into()
    }

    fn malformed(&self) -> Vec<Check> {
        // For the token alone, as the verifier is asked about these: a throttle would count them.
        let asked = |name: &str| name.starts_with("a NUL") || name.ends_with("encoded twice");
        let parameters = TRIO.iter().flat_map(|(name, _)| traps::parameter(TRIO, name));
        let parameters = parameters.filter(|trap| !asked(&trap.name) || trap.name.contains("`token`"));
        let bad = traps::queries(TRIO).into_iter().chain(parameters);
        let mut checks: Vec<_> =
            bad.map(|trap| Check::new("DY-21", trap.name, self.call(&trap.text), refused())).collect();
        let path = Call::get(&*self.path);
        let path = if self.known_caller { path.header(AUTH_TOKEN, "${caller_secret}") } else { path };
        checks.push(Check::new("DY-21", "no query", path, refused()));
        checks
    }

    fn others(&self) -> Vec<Check> {
        let (good, query) = (self.call(&traps::query(TRIO)), traps::query(TRIO));
        let methods = [Method::POST, Method::HEAD, Method::DELETE];
        let mut checks = traps::elsewhere("DY-20", &good, methods);
        let lower = good.clone().target(format!("{}?{query}", self.path.to_lowercase()));
        if self.path.to_lowercase() != self.path {
            checks.push(Check::new("DY-20", "the path in another case", lower, Expected::not_admitted()));
        }
        let stranger = refused().at_status(401);
        checks.extend(strangers(&good, &stranger));
        let in_query = Call::get(format!("{}?{query}&{AUTH_TOKEN}=${{caller_secret}}", self.path));
        checks.push(Check::new("DY-5", "a caller with its secret in the query", in_query, stranger));
        checks
    }
}

fn verified() -> Expected {
    Expected::status(200).content_type("application/json").json(r#"{"success":true,"result":"<string>"}"#).admits()
}

fn refused() -> Expected {
    let body = r#"{"success":false,"errorMessage?":"<string>","result":"<string>"}"#;
    Expected::status(200).content_type("application/json").json(body)
}
