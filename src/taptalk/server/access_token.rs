use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::taptalk::{
    wire::api_key::{APP_KEY, ApiKey},
    wire::bearer,
    wire::device::Device,
    wire::envelope::{Writer, mirror_status_setter},
    wire::tokens::{self, TokenVerdict},
};
use crate::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret};

/// An app's request to exchange its ticket for an access token: see [`AccessTokenEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TicketExchange {
    /// The bearer of `Authorization`: the ticket.
    pub ticket: Secret,
    /// `App-Key`: the app's own key.
    pub app_key: ApiKey,
    /// The device that the app claims to run on.
    pub device: Device,
}

impl TicketExchange {
    /// An exchange without a device, such as for a test of a verifier.
    pub fn new(ticket: impl Into<Secret>, app_key: ApiKey) -> Self {
        Self { ticket: ticket.into(), app_key, device: Device::default() }
    }

    /// Sets the device.
    pub fn with_device(self, device: Device) -> Self {
        Self { device, ..self }
    }
}

impl Credential for TicketExchange {
    type Verdict = TokenVerdict;
}

/// `POST /v1/auth/access_token/request`: an app exchanges its ticket for tokens.
///
/// Any body is accepted and ignored: the web SDK sends `""` as plain text, the iOS SDK `{}`, the Android SDK nothing.
/// `Authorization` is checked before `App-Key`. The headers that describe the device stay in the request.
///
/// Source: TapTalk.io's error codes, and what its published clients send.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one):
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     taptalk::{AccessTokenEndpoint, KeyRefusal, Profile, TicketExchange, TokenPair, TokenVerdict, User},
///     verifier_fn,
/// };
///
/// const HOUR: Duration = Duration::from_secs(60 * 60);
///
/// # futures::executor::block_on(async {
/// let exchange = verifier_fn(|request: Request<TicketExchange>| async move {
///     let TicketExchange { ticket, app_key, .. } = request.into_body();
///     let is_known = (app_key.id == "android") & (app_key.secret == "pl41n");
///     if !is_known {
///         return Ok::<_, BoxError>(TokenVerdict::KeyRefused(KeyRefusal::Unknown));
///     }
///     // Look the ticket up in your database and delete it, in one statement: it is good once.
///     if ticket != "605b32dd" {
///         return Ok(TokenVerdict::Invalid);
///     }
///     let (now, user) = (SystemTime::now(), User::new("6", Profile::new("287", "Ann Example")));
///     let tokens = TokenPair::new(("an-access-token", now + HOUR), ("a-refresh-token", now + 720 * HOUR), user);
///     Ok(TokenVerdict::Issued(Box::new(tokens)))
/// });
/// let service = VerifyLayer::new(AccessTokenEndpoint::new(), exchange).into_service();
///
/// let request = Request::post("/v1/auth/access_token/request")
///     .header("Authorization", "Bearer 605b32dd")
///     .header("App-Key", "YW5kcm9pZDpwbDQxbg==") // base64 of android:pl41n
///     .body(String::new())?;
/// let answer = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// let answer: serde_json::Value = serde_json::from_slice(&answer)?;
/// assert_eq!(answer["status"], 200);
/// assert_eq!(answer["data"]["accessToken"], "an-access-token");
/// assert_eq!(answer["data"]["user"]["fullname"], "Ann Example");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct AccessTokenEndpoint {
    writer: Writer,
}

impl AccessTokenEndpoint {
    /// The endpoint at the path that the clients call.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for AccessTokenEndpoint {
    type Credential = TicketExchange;
    type Context = ();
    const NAME: &'static str = "taptalk.access_token";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<TicketExchange, Rejection> {
        let ticket = bearer::take(&mut head.headers)?;
        let app_key = ApiKey::take(&mut head.headers, &APP_KEY)?;
        Ok(TicketExchange { ticket, app_key, device: Device::read(&mut head.headers) })
    }

    fn refused(&self, outcome: Outcome<TokenVerdict>, (): ()) -> Response<Bytes> {
        tokens::refused(self.writer, &outcome)
    }
}

impl Endpoint for AccessTokenEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-1.
        Route::from_static(Method::POST, "/v1/auth/access_token/request")
    }

    fn admitted(&self, verdict: TokenVerdict, (): ()) -> Response<Bytes> {
        tokens::admitted(self.writer, verdict)
    }
}
