use super::{backend, envelope::is_admitted, sdk};
use crate::{Secret, conformance::Suite, taptalk::KeyRefusal};

/// The calls to a ticket server, of a backend and of the published SDKs: a builder of the [`Suite`] for a
/// [`TicketOffice`](crate::taptalk::TicketOffice) behind its endpoints, or for any server of the same contract.
///
/// A run saves two users: [`xc_user_id`](Self::xc_user_id), and one whose id is 50 times `é`. It makes at most two
/// attempts with a wrong secret of a key. The server's paths may be below another one: see
/// [`Suite::base_url`](crate::conformance::Suite::base_url).
///
/// ```
/// use tower_verify::taptalk::{KeyRefusal, conformance::TicketServerCalls};
///
/// let suite = TicketServerCalls::new("demo-server:demo-secret", "demo-app:demo-app-secret")
///     .xc_user_id("customer-7")
///     .refused_app_key(KeyRefusal::Suspended, "old-app:old-secret")
///     .suite()
///     .base_url("https://chat.example.com/api");
/// assert!(suite.len() > 150);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct TicketServerCalls {
    suite: Suite,
    pub(super) single_use: bool,
}

impl TicketServerCalls {
    /// Calls with a good server key and a good app key, each as `id:secret`.
    pub fn new(server_key: &str, app_key: &str) -> Self {
        let suite = Suite::new("taptalk.ticket_server", is_admitted)
            .contract(include_str!("../contract.md"))
            .hides_admitted()
            .secret_with_near_misses("server_key", server_key)
            .secret_with_near_misses("app_key", app_key)
            .value("xc_user_id", "conformance");
        Self { suite, single_use: true }
    }

    /// Sets the user who is logged in. The default is `conformance`. Its name becomes `Conformance Test`.
    pub fn xc_user_id(mut self, xc_user_id: &str) -> Self {
        self.suite = self.suite.value("xc_user_id", xc_user_id);
        self
    }

    /// Sets whether a ticket buys tokens only once. The default is `true`.
    pub fn single_use(mut self, single_use: bool) -> Self {
        self.single_use = single_use;
        self
    }

    /// Sets another good app key, to which the tokens of the first one do not belong.
    pub fn other_app_key(self, key: impl Into<Secret>) -> Self {
        self.secret("other_app_key", key)
    }

    /// Sets an app key that the server refuses for this reason. One of
    /// [another platform](KeyRefusal::OtherPlatform) must not be for Android.
    pub fn refused_app_key(self, refusal: KeyRefusal, key: impl Into<Secret>) -> Self {
        self.secret(refusal.name(), key)
    }

    /// Sets a ticket that has expired before it was exchanged.
    pub fn expired_ticket(self, ticket: impl Into<Secret>) -> Self {
        self.secret("expired_ticket", ticket)
    }

    /// Sets an access token of the good app key, without a device, that has expired.
    pub fn expired_access_token(self, token: impl Into<Secret>) -> Self {
        self.secret("expired_access_token", token)
    }

    /// Sets a refresh token of the good app key, without a device, that has expired.
    pub fn expired_refresh_token(self, token: impl Into<Secret>) -> Self {
        self.secret("expired_refresh_token", token)
    }

    /// Sets a good access token of the good app key, without a device, whose user is gone.
    pub fn token_of_gone_user(self, token: impl Into<Secret>) -> Self {
        self.secret("token_of_gone_user", token)
    }

    /// Sets a server key for which the server's verifier fails, such as by an unavailable store.
    pub fn failing_server_key(self, key: impl Into<Secret>) -> Self {
        self.secret("failing_server_key", key)
    }

    /// Sets an app key for which the server's verifier fails, such as by an unavailable store.
    pub fn failing_app_key(self, key: impl Into<Secret>) -> Self {
        self.secret("failing_app_key", key)
    }

    /// Sets a server key that has been tried too often.
    pub fn throttled_server_key(self, key: impl Into<Secret>) -> Self {
        self.secret("throttled_server_key", key)
    }

    /// Sets the size in bytes of the largest body that the server takes.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.suite = self.suite.value("body_limit", limit.to_string());
        self
    }

    /// The suite, to be run.
    pub fn suite(self) -> Suite {
        let checks = [backend::checks(), sdk::checks(&self)].concat();
        self.suite.checks(checks)
    }

    fn secret(mut self, name: &str, secret: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret(name, secret);
        self
    }
}
