use std::collections::BTreeMap;

use http::Method;

use super::{CONTRACT, fields::Fields, route::Route};
use crate::{
    Secret,
    conformance::{Call, Check, Expected, Suite, traps},
    talkdesk::FieldValue,
};

/// Talkdesk's later calls, as they are made: a builder of the [`Suite`] for routes behind a guard of
/// [`LaterCalls`](crate::talkdesk::LaterCalls), or for any server of the same contract.
///
/// Give it the fields of an activation and the values that the validator returned for them, and the path of each route.
/// A route whose path is not given is not called. Good calls are executed: an action twice, or eleven times if it is the
/// only route.
///
/// ```
/// use tower_verify::talkdesk::conformance::GuardedCalls;
///
/// let suite = GuardedCalls::new("token", "123456789")
///     .field("username", "john@example.com")
///     .field("login_id", 12)
///     .failing("username", "outage@example.com")
///     .contacts("/contacts")
///     .agents("/agent_sync")
///     .suite();
/// assert!(suite.len() > 90);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct GuardedCalls {
    suite: Suite,
    fields: Fields,
    failing: Fields,
    paths: BTreeMap<Route, String>,
    no_verdict_status: u16,
}

impl GuardedCalls {
    /// Calls with this field of `auth`. It is the secret that is tried in wrong forms: a token, a password or a key.
    pub fn new(name: &str, secret: impl Into<Secret>) -> Self {
        let suite = Suite::new("talkdesk.later_calls", |answer| answer.status().is_success()).contract(CONTRACT);
        let mut fields = Fields::default();
        Self {
            suite: fields.push(suite, name, &FieldValue::Text(secret.into())),
            fields,
            failing: Fields::default(),
            paths: BTreeMap::new(),
            no_verdict_status: 503,
        }
    }

    /// Adds another field of `auth`: one of the activation, or a value that the validator returned, of the same type.
    pub fn field(mut self, name: &str, value: impl Into<FieldValue>) -> Self {
        self.suite = self.fields.insert(self.suite, name, &value.into());
        self
    }

    /// Sets another value of a field, for which the server's verifier fails, such as by an unavailable database. The other
    /// fields keep theirs.
    pub fn failing(mut self, name: &str, value: impl Into<FieldValue>) -> Self {
        self.suite = self.failing.push_failing(self.suite, name, &value.into());
        self
    }

    /// Sets the path of the contact synchronization.
    pub fn contacts(self, path: impl Into<String>) -> Self {
        self.route(Route::Contacts, path.into())
    }

    /// Sets the path of the agent synchronization.
    pub fn agents(self, path: impl Into<String>) -> Self {
        self.route(Route::Agents, path.into())
    }

    /// Sets the path of the contact activity.
    pub fn activity(self, path: impl Into<String>) -> Self {
        self.route(Route::Activity, path.into())
    }

    /// Sets the path of an action, which takes `subject` and `description`, or answers 400.
    pub fn action(self, path: impl Into<String>) -> Self {
        self.route(Route::Action, path.into())
    }

    /// Sets the status that the server answers with when it has no verdict. The default is 503.
    pub fn no_verdict_status(mut self, status: u16) -> Self {
        self.no_verdict_status = status;
        self
    }

    /// Sets the size in bytes of the largest body that the server takes.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.suite = self.suite.value("body_limit", limit.to_string());
        self
    }

    /// The suite, to be run. It has no checks if no path was given.
    pub fn suite(self) -> Suite {
        let mut checks = Vec::new();
        for (route, path) in &self.paths {
            checks.extend(self.documented(*route, path));
        }
        if let Some((route, path)) = self.paths.first_key_value() {
            checks.extend(self.variations(*route, path));
            checks.extend(self.wrong(*route, path));
            checks.extend(self.malformed(*route, path));
            let answer = route.answer();
            checks.extend(traps::sizes("TD-14", &self.good(*route, path), &answer, &Expected::status(413)));
        }
        for (route, path) in &self.paths {
            checks.extend(self.unguarded(*route, path));
        }
        self.suite.checks(checks)
    }

    fn route(mut self, route: Route, path: String) -> Self {
        self.paths.insert(route, path);
        self
    }

    /// A call with these members of `auth`, and with `rest` beside it.
    fn call(path: &str, members: &str, rest: &str) -> Call {
        Self::with_body(path, format!(r#"{{"auth":{{{members}}}{rest}}}"#))
    }

    fn with_body(path: &str, body: impl Into<Vec<u8>>) -> Call {
        Call::post(path).header("content-type", "application/json").body(body)
    }

    fn good(&self, route: Route, path: &str) -> Call {
        Self::call(path, &self.fields.members(), route.rest())
    }

    /// The calls of the documentation.
    fn documented(&self, route: Route, path: &str) -> Vec<Check> {
        let keeps = |check: Check, name: &&str| check.keeps(format!("contacts.{name}"), format!("/{name}"));
        let check = |(name, rest): &(&str, &str)| {
            let call = Self::call(path, &self.fields.members(), rest);
            route.kept().iter().fold(Check::new(route.row(), *name, call, route.answer()), keeps)
        };
        let mut checks: Vec<_> = route.calls().iter().map(check).collect();
        checks.extend(traps::elsewhere(route.row(), &self.good(route, path), [Method::GET]));
        checks
    }

    /// Good calls that are written in another way.
    fn variations(&self, route: Route, path: &str) -> Vec<Check> {
        let (good, rest) = (self.fields.members(), route.rest());
        let chunked = self.good(route, path).header("transfer-encoding", "chunked");
        [
            ("TD-24", "a chunked body", chunked),
            ("TD-1", "fields in another order", Self::call(path, &self.fields.reversed(), rest)),
            ("TD-2", "values with escapes", Self::call(path, &self.fields.escaped(), rest)),
            (
                "TD-5",
                "an escape in the name of `auth`",
                Self::with_body(path, format!(r#"{{"\u0061uth":{{{good}}}{rest}}}"#)),
            ),
            ("TD-5", "white space", Self::with_body(path, format!("\r\n{{ \"auth\" :\t{{ {good} }}\n{rest}}} "))),
            (
                "TD-6",
                "other members before `auth`",
                Self::with_body(path, format!(r#"{{"x":[{{"auth":{{}}}}]{rest},"auth":{{{good}}}}}"#)),
            ),
            ("TD-6", "other members after `auth`", Self::call(path, &good, &format!(r#"{rest},"x":{{"auth":1.5}}"#))),
        ]
        .map(|(row, name, call)| Check::new(row, name, call, route.answer()))
        .into()
    }

    /// Calls whose `auth` is well-formed and not good.
    fn wrong(&self, route: Route, path: &str) -> Vec<Check> {
        let mut wrong: Vec<_> = self.fields.wrong().into_iter().map(|(_, name, members)| (name, members)).collect();
        wrong.push(("no field", String::new()));
        wrong.extend(self.fields.exchanged().map(|members| ("two values in each other's place", members)));
        let check = |(name, members): (&str, String)| {
            Check::new("TD-24", name, Self::call(path, &members, route.rest()), refused())
        };
        wrong.into_iter().map(check).collect()
    }

    /// Calls without one well-formed `auth`.
    fn malformed(&self, route: Route, path: &str) -> Vec<Check> {
        let (good, rest) = (self.fields.members(), route.rest());
        let check = |name: &str, call, answer| Check::new("TD-24", name, call, answer);
        let auth = self.fields.malformed(rest).into_iter();
        let mut checks: Vec<_> =
            auth.map(|(_, name, body)| check(name, Self::with_body(path, body), refused())).collect();
        let inside = format!(r#"{{"meta":{{"auth":{{{good}}}}}}}"#);
        let far = format!(r#"{rest},"x":"{}","auth":{{}}"#, "x".repeat(90_000));
        checks.extend([
            check("`auth` inside `meta`", Self::with_body(path, inside), refused()),
            check(
                "`auth` is given twice, far apart",
                Self::call(path, &good, &far),
                refused().or(Expected::status(413)),
            ),
        ]);
        // It is not documented that a body which is no JSON has a bad `auth`.
        let no_json = refused().or(Expected::status(400));
        let bodies = traps::bodies(&format!(r#"{{"auth":{{{good}}}{rest}}}"#)).into_iter();
        checks.extend(bodies.map(|trap| check(&trap.name, Self::with_body(path, trap.text), no_json.clone())));
        let form = Self::with_body(path, "auth[username]=john").without_header("content-type");
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        checks.push(check("a form", form, no_json.or(Expected::status(415))));
        checks
    }

    /// Calls that come through if a route has no guard of its own, or one for its exact path alone.
    fn unguarded(&self, route: Route, path: &str) -> Vec<Check> {
        let (what, rest) = (route.calls()[0].0, route.rest());
        let name = |case: &str| format!("{what} {case}");
        let check = |case: &str, call, answer| Check::new("TD-24", name(case), call, answer);
        let none = Self::with_body(path, format!("{{{}}}", rest.trim_start_matches(',')));
        let failing = Self::call(path, &self.fields.replaced_by(&self.failing).members(), rest);
        let mut checks = vec![
            check("without `auth`", none.clone(), refused()),
            Check::new("TD-25", name("and a failing verifier"), failing, Expected::status(self.no_verdict_status))
                .requires("failing"),
        ];
        if self.paths.first_key_value().is_none_or(|(first, _)| *first != route) {
            let wrong = Self::call(path, &self.fields.secret_is("\"made-up\""), rest);
            checks.push(check("with a made-up secret", wrong, refused()));
        }
        let encoded = path.rfind(|letter: char| letter.is_ascii_alphanumeric());
        let encoded = encoded
            .map_or(path.to_owned(), |at| format!("{}%{:02X}{}", &path[..at], path.as_bytes()[at], &path[at + 1..]));
        for (case, target) in [
            ("by a longer path, without `auth`", format!("{path}/")),
            ("by a path of two slashes, without `auth`", format!("/{path}")),
            ("by a path with a dot, without `auth`", format!("/.{path}")),
            ("by a path in capitals, without `auth`", path.to_uppercase()),
            ("by an encoded path, without `auth`", encoded),
            ("with a query, without `auth`", format!("{path}?auth[token]=x")),
        ] {
            checks.push(check(case, none.clone().target(target), Expected::not_admitted()));
        }
        for method in [Method::GET, Method::PUT] {
            let case = format!("by {method}, without `auth`");
            checks.push(check(&case, none.clone().method(method), Expected::not_admitted()));
        }
        checks
    }
}

/// A refusal: a 401 with its challenge, which makes Talkdesk refresh its token.
fn refused() -> Expected {
    Expected::status(401)
}
