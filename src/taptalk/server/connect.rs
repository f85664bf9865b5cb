use bytes::Bytes;
use http::{Method, Response, header::UPGRADE, request::Parts};

use crate::taptalk::{
    wire::api_key::{ApiKey, KeyRefusal},
    wire::bearer,
    wire::code::Code,
    wire::device::Device,
    wire::envelope::{Writer, mirror_status_setter},
    wire::refusal::Refusal,
};
use crate::{
    Contract, Credential, Endpoint, Failure, Outcome, Rejection, RequestHead, Route, Secret, Verdict, wire::query,
};

/// An app's question whether its access token is still good: see [`ConnectEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessCheck {
    /// The bearer of `Authorization`: the access token.
    pub access_token: Secret,
    /// `App-Key`: the app's own key, if the app sent it.
    pub app_key: Option<ApiKey>,
    /// The device that the app claims to run on.
    pub device: Device,
}

impl AccessCheck {
    /// A check without an app key and a device, such as for a test of a verifier.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self { access_token: access_token.into(), app_key: None, device: Device::default() }
    }

    /// Sets the app key.
    pub fn with_app_key(self, app_key: ApiKey) -> Self {
        Self { app_key: Some(app_key), ..self }
    }

    /// Sets the device.
    pub fn with_device(self, device: Device) -> Self {
        Self { device, ..self }
    }
}

impl Credential for AccessCheck {
    type Verdict = AccessVerdict;
}

/// The verdict on an access token: see [`ConnectEndpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccessVerdict {
    /// The token is good.
    Valid,
    /// The token is unknown or revoked. The app ends its session.
    Invalid,
    /// The token has expired. The app refreshes it and tries again.
    Expired,
    /// The token is good, but belongs to another app key or device. The app ends its session.
    OtherClient,
    /// The token is good, but its user no longer exists. The app ends its session.
    NoUser,
    /// The app key is not accepted.
    KeyRefused(KeyRefusal),
}

impl Verdict for AccessVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Valid)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::OtherClient => "other_client",
            Self::NoUser => "no_user",
            Self::KeyRefused(refusal) => refusal.name(),
        }
    }
}

/// `GET /connect?check=1`: an app asks whether its access token is good before it opens the chat's socket.
///
/// The chat's socket is opened at the same path. So the route matches only a request that has `check=1` in its query
/// and no `Upgrade` header. Everything else passes through: guard it with a
/// [`SocketGuard`](crate::taptalk::SocketGuard).
///
/// Source: TapTalk.io's error codes, and what its published clients send.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one):
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     taptalk::{AccessCheck, AccessVerdict, ConnectEndpoint},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let sessions = verifier_fn(|request: Request<AccessCheck>| async move {
///     Ok::<_, BoxError>(match request.body().access_token == "605b32dd" {
///         true => AccessVerdict::Valid,
///         false => AccessVerdict::Expired,
///     })
/// });
/// let app = service_fn(|_: Request<String>| async {
///     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app")))
/// });
/// let app = ServiceBuilder::new().layer(VerifyLayer::new(ConnectEndpoint::new(), sessions)).service(app);
///
/// let check = Request::get("/connect?check=1").header("Authorization", "Bearer 7a6c").body(String::new())?;
/// let answer = app.clone().oneshot(check).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(
///     answer,
///     r#"{"status":401,"error":{"code":"40104","message":"Token has expired","field":""},"data":{}}"#
/// );
///
/// let socket = Request::get("/connect").header("Upgrade", "websocket").body(String::new())?;
/// let answer = app.oneshot(socket).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(answer, "the app");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct ConnectEndpoint {
    writer: Writer,
}

impl ConnectEndpoint {
    /// The endpoint at the path that the clients call.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for ConnectEndpoint {
    type Credential = AccessCheck;
    type Context = ();
    const NAME: &'static str = "taptalk.connect";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<AccessCheck, Rejection> {
        let access_token = bearer::take(&mut head.headers)?;
        let app_key = ApiKey::take_if_given(&mut head.headers)?;
        if !says_check(head.uri.query().unwrap_or_default()) {
            return Err(Code::PARAMETER_INVALID.reject("Param 'check' must be '1'"));
        }
        Ok(AccessCheck { access_token, app_key, device: Device::read(&mut head.headers) })
    }

    fn refused(&self, outcome: Outcome<AccessVerdict>, (): ()) -> Response<Bytes> {
        refused(self.writer, outcome)
    }
}

/// The response to everything but a positive verdict on an access token.
pub(in crate::taptalk) fn refused(writer: Writer, outcome: Outcome<AccessVerdict>) -> Response<Bytes> {
    match outcome {
        Outcome::Verdict(AccessVerdict::Invalid) => writer.refuse(Refusal::TOKEN_INVALID),
        Outcome::Verdict(AccessVerdict::Expired) => writer.refuse(Refusal::TOKEN_EXPIRED),
        Outcome::Verdict(AccessVerdict::OtherClient) => writer.refuse(Refusal::TOKEN_OF_OTHER_CLIENT),
        Outcome::Verdict(AccessVerdict::NoUser) => writer.refuse(Refusal::NO_USER),
        Outcome::Verdict(AccessVerdict::KeyRefused(refusal)) => writer.refuse(Refusal::of_app_key(refusal)),
        Outcome::Verdict(AccessVerdict::Valid) => writer.failed(&Failure::panicked()),
        Outcome::Rejected(rejection) => writer.rejected(&rejection),
        Outcome::Failed(failure) => writer.failed(&failure),
    }
}

/// Whether the request is the check, not the socket.
fn is_check(head: RequestHead<'_>) -> bool {
    let query = head.uri().query().unwrap_or_default();
    // The second test also matches malformed queries, so that this endpoint refuses them.
    let is_check = says_check(query) || query.split('&').any(|pair| pair == "check=1");
    is_check && !head.headers().contains_key(UPGRADE)
}

/// Whether a well-formed query has `check=1` once.
fn says_check(query: &str) -> bool {
    // The published clients send nothing else.
    query == "check=1" || matches!(query::parameters(query, &["check"]), Ok([Some(check)]) if check == "1")
}

impl Endpoint for ConnectEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-3, TT-12.
        Route::from_static(Method::GET, "/connect").when(is_check)
    }

    fn admitted(&self, verdict: AccessVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            AccessVerdict::Valid => self.writer.no_data(),
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}
