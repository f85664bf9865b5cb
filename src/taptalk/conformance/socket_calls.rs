use base64::{Engine, prelude::BASE64_STANDARD};

use super::socket;
use crate::{Secret, conformance::Suite, taptalk::KeyRefusal};

/// The SDKs' requests to open the chat's socket: a builder of the [`Suite`] for routes behind a
/// [`SocketGuard`](crate::taptalk::SocketGuard), or for any server of the same contract.
///
/// Good upgrades, in the web SDK's form and in that of the other ones, must complete the WebSocket's opening handshake
/// (RFC 6455, section 4). All others must be refused, with an envelope and never with 101. The HTTP status may be that
/// of the body, or 200. No message is sent on a socket that has been opened.
///
/// # Over HTTP or in process
///
/// Run it over HTTP. Servers upgrade a connection, and a service that is called in process has none: axum's
/// `WebSocketUpgrade` then answers 426 to good upgrades, and their checks fail. A service that writes the 101 itself can
/// be checked in process.
///
/// ```
/// # use axum::{Router, extract::ws::WebSocketUpgrade, response::Response, routing::any};
/// # use bytes::Bytes;
/// # use http::Request;
/// # use http_body_util::Full;
/// # use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// # use tower_verify::{
/// #     BoxError, GuardLayer,
/// #     taptalk::{
/// #         AccessVerdict, Profile, SocketGuard, SocketRequest, SocketVerdict, User, conformance::SocketCalls,
/// #     },
/// #     verifier_fn,
/// # };
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let sessions = verifier_fn(|request: Request<SocketRequest>| async move {
///     let asked = request.body();
///     let device = asked.device.identifier.as_ref().is_some_and(|device| *device == "7a6c");
///     Ok::<_, BoxError>(match (asked.access_token == "605b32dd", device) {
///         (true, true) => SocketVerdict::Verified(Box::new(User::new("6", Profile::new("287", "Ann Example")))),
///         (true, false) => SocketVerdict::Refused(AccessVerdict::OtherClient),
///         (false, _) => SocketVerdict::Refused(AccessVerdict::Invalid),
///     })
/// });
/// async fn socket(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(|_socket| async { /* the chat */ })
/// }
/// let app = Router::new().route("/connect", any(socket).layer(GuardLayer::new(SocketGuard::new(), sessions)));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let url = format!("http://{}", listener.local_addr()?);
/// tokio::spawn(async { axum::serve(listener, app).await });
///
/// let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http::<Full<Bytes>>();
/// let suite = SocketCalls::new("605b32dd", "demo-app:demo-app-secret", "7a6c").suite().base_url(&url);
/// let report = suite.run(client).await;
/// // This verifier looks at no app key.
/// assert!(report.failed().all(|finding| finding.name().contains("App-Key")), "{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SocketCalls {
    suite: Suite,
    pub(super) path: String,
}

impl SocketCalls {
    /// Calls with a good access token, the app key as `id:secret` and the identifier of the device that the token was issued
    /// to.
    pub fn new(access_token: &str, app_key: &str, device_identifier: &str) -> Self {
        let suite = Suite::new("taptalk.socket", |answer| answer.status() == 101)
            .contract(include_str!("../contract.md"))
            .secret_with_near_misses("access_token", access_token)
            .secret_with_near_misses("app_key", app_key)
            .secret("app_key.base64", BASE64_STANDARD.encode(app_key))
            .value("device_identifier", device_identifier);
        Self { suite, path: "/connect".into() }
    }

    /// Sets another path than `/connect`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets another good app key, to which the token does not belong.
    pub fn other_app_key(self, key: impl Into<Secret>) -> Self {
        self.key("other_app_key", key.into())
    }

    /// Sets an app key that the server refuses for this reason. One of
    /// [another platform](KeyRefusal::OtherPlatform) must not be for Android.
    pub fn refused_app_key(self, refusal: KeyRefusal, key: impl Into<Secret>) -> Self {
        self.secret(refusal.name(), key)
    }

    /// Sets an access token of the app key that has expired.
    pub fn expired_access_token(self, token: impl Into<Secret>) -> Self {
        self.secret("expired_access_token", token)
    }

    /// Sets an access token of the app key whose login has ended, such as by a logout.
    pub fn ended_access_token(self, token: impl Into<Secret>) -> Self {
        self.secret("ended_access_token", token)
    }

    /// Sets a good access token of the app key whose user is gone.
    pub fn token_of_gone_user(self, token: impl Into<Secret>) -> Self {
        self.secret("token_of_gone_user", token)
    }

    /// Sets a good refresh token of the app key.
    pub fn refresh_token(self, token: impl Into<Secret>) -> Self {
        self.secret("refresh_token", token)
    }

    /// Sets a ticket that buys tokens.
    pub fn ticket(self, ticket: impl Into<Secret>) -> Self {
        self.secret("ticket", ticket)
    }

    /// Sets an app key for which the server's verifier fails, such as by an unavailable store.
    pub fn failing_app_key(self, key: impl Into<Secret>) -> Self {
        self.key("failing_app_key", key.into())
    }

    /// The suite, to be run.
    pub fn suite(self) -> Suite {
        let checks = socket::checks(&self.path);
        self.suite.checks(checks)
    }

    /// A key, and its form in a query.
    fn key(self, name: &str, key: Secret) -> Self {
        self.secret(&format!("{name}.base64"), BASE64_STANDARD.encode(key.expose_secret())).secret(name, key)
    }

    fn secret(mut self, name: &str, secret: impl Into<Secret>) -> Self {
        self.suite = self.suite.secret(name, secret);
        self
    }
}
