use http::Method;

use crate::{
    Secret,
    conformance::{Call, Check, Expected, Suite, traps},
};

/// An app's call to its own backend for a ticket: a builder of the [`Suite`] for an
/// [`AppTicketEndpoint`](crate::taptalk::AppTicketEndpoint), or for any backend of the same form.
///
/// Each good call makes the backend ask for a ticket: about ten of them.
///
/// ```
/// use tower_verify::taptalk::conformance::AppTicketCalls;
///
/// let suite = AppTicketCalls::new("Bearer 605b32dd").path("/chat/ticket").suite();
/// assert!(suite.len() > 40);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct AppTicketCalls {
    suite: Suite,
    path: String,
}

const MEMBERS: &[(&str, &str)] = &[("userPlatform", "ios"), ("userDeviceID", "conformance-1")];

impl AppTicketCalls {
    /// Calls of a user who is logged in, with this `Authorization`.
    pub fn new(authorization: impl Into<Secret>) -> Self {
        let suite = Suite::new("taptalk.app_ticket", |answer| {
            let body = serde_json::from_slice::<serde_json::Value>(answer.body()).unwrap_or_default();
            answer.status().is_success() && body.get("ticket").is_some()
        });
        let suite =
            suite.contract(include_str!("../contract.md")).hides_admitted().secret("authorization", authorization);
        Self { suite, path: "/taptalk/auth_ticket".into() }
    }

    /// Sets another path than `/taptalk/auth_ticket`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets an `Authorization` for which the backend fails, or gets no ticket.
    pub fn failing_authorization(mut self, authorization: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret("failing_authorization", authorization);
        self
    }

    /// Sets the size in bytes of the largest body that the server takes.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.suite = self.suite.value("body_limit", limit.to_string());
        self
    }

    /// The suite, to be run.
    pub fn suite(self) -> Suite {
        let checks = [self.good(), self.refused(), self.malformed()].concat();
        let sizes = traps::sizes("TT-16", &self.call(traps::object(MEMBERS)), &issued(), &refused(413));
        self.suite.checks(checks).checks(sizes)
    }

    fn call(&self, body: impl Into<Vec<u8>>) -> Call {
        self.anonymous(body).header("authorization", "${authorization}")
    }

    fn anonymous(&self, body: impl Into<Vec<u8>>) -> Call {
        let call = Call::post(&*self.path).header("content-type", "application/json");
        call.header("user-agent", "conformance").body(body)
    }

    fn good(&self) -> Vec<Check> {
        let good = || self.call(traps::object(MEMBERS));
        let check = |name: &str, call| Check::new("TT-16", name, call, issued());
        let mut checks = vec![
            check("a user who is logged in", good()),
            check("the same call again", good()),
            check("no content type", good().without_header("content-type")),
            check("a chunked body", good().header("transfer-encoding", "chunked")),
        ];
        let variations = traps::object_variations(MEMBERS).into_iter();
        checks.extend(variations.map(|trap| check(&trap.name, self.call(trap.text))));
        checks
    }

    fn refused(&self) -> Vec<Check> {
        let body = traps::object(MEMBERS);
        let stranger = self.anonymous(&*body);
        let failing = stranger.clone().header("authorization", "${failing_authorization}");
        let made_up = stranger.clone().header("authorization", "Bearer made-up");
        let elsewhere = traps::elsewhere("TT-16", &self.call(&*body), [Method::GET]);
        let refused = [
            ("a ticket is not stored", self.call(&*body), issued().not_stored()),
            ("a refusal is not stored", stranger.clone(), refused(401).not_stored()),
            ("nobody is logged in", stranger, refused(401)),
            ("a made-up Authorization", made_up, refused(401)),
            ("a failing backend", failing, refused(500).or(refused(502)).or(refused(503))),
        ]
        .map(|(name, call, answer)| Check::new("TT-16", name, call, answer));
        refused.into_iter().chain(elsewhere).collect()
    }

    fn malformed(&self) -> Vec<Check> {
        let members = MEMBERS.iter().flat_map(|(name, _)| traps::member(MEMBERS, name));
        let bad = traps::bodies(&traps::object(MEMBERS)).into_iter().chain(members);
        let mut checks: Vec<_> = bad.map(|trap| (trap.name, self.call(trap.text))).collect();
        let platform = |name| self.call(traps::object(&[("userPlatform", name), MEMBERS[1]]));
        checks.push(("a platform in another case".into(), platform("iOS")));
        checks.push(("an unknown platform".into(), platform("windows")));
        checks.push(("no User-Agent".into(), self.call(traps::object(MEMBERS)).without_header("user-agent")));
        checks.into_iter().map(|(name, call)| Check::new("TT-16", name, call, refused(400))).collect()
    }
}

fn issued() -> Expected {
    Expected::status(200).content_type("application/json").json(r#"{"userID":"<text>","ticket":"<text>"}"#).admits()
}

fn refused(status: u16) -> Expected {
    Expected::status(status).content_type("application/json").json(r#""<object>""#)
}
