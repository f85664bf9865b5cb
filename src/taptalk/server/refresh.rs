use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};

use crate::taptalk::{
    wire::api_key::ApiKey,
    wire::bearer,
    wire::device::Device,
    wire::envelope::{Writer, mirror_status_setter},
    wire::tokens::{self, TokenVerdict},
};
use crate::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret};

/// An app's request to exchange its refresh token for a new pair of tokens: see [`RefreshEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TokenRefresh {
    /// The bearer of `Authorization`: the refresh token.
    pub refresh_token: Secret,
    /// `App-Key`: the app's own key, if the app sent it.
    pub app_key: Option<ApiKey>,
    /// The device that the app claims to run on.
    pub device: Device,
}

impl TokenRefresh {
    /// A refresh without an app key and a device, such as for a test of a verifier.
    pub fn new(refresh_token: impl Into<Secret>) -> Self {
        Self { refresh_token: refresh_token.into(), app_key: None, device: Device::default() }
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

impl Credential for TokenRefresh {
    type Verdict = TokenVerdict;
}

/// `POST /v1/auth/access_token/refresh`: an app exchanges its refresh token for a new pair of tokens.
///
/// Any body is accepted and ignored. An app key is optional; if there is one, it is checked.
///
/// Without a verdict, the HTTP status is 503: on an error in a 200 the web SDK ends the session, on another status it
/// keeps it. [`no_verdict_status`](Self::no_verdict_status) changes this.
///
/// Source: TapTalk.io's error codes, and what its published clients send.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one). The example of
/// [`AccessTokenEndpoint`](crate::taptalk::AccessTokenEndpoint) issues tokens; this one shows the response to a bad
/// token and to an error:
///
/// ```
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     taptalk::{RefreshEndpoint, TokenRefresh, TokenVerdict},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let sessions = verifier_fn(|request: Request<TokenRefresh>| async move {
///     match request.body().refresh_token == "605b32dd" {
///         true => Err(BoxError::from("the database is away")),
///         false => Ok(TokenVerdict::Invalid),
///     }
/// });
/// let service = VerifyLayer::new(RefreshEndpoint::new(), sessions).into_service();
/// let refresh = |token: &str| {
///     let request = Request::post("/v1/auth/access_token/refresh").header("Authorization", format!("Bearer {token}"));
///     request.body(String::new())
/// };
///
/// let invalid = service.clone().oneshot(refresh("guess")?).await?;
/// assert_eq!(invalid.status(), 200);
/// let body = invalid.into_body().collect().await?.to_bytes();
/// assert_eq!(
///     body,
///     r#"{"status":401,"error":{"code":"40103","message":"Token is invalid","field":""},"data":{}}"#
/// );
///
/// let failed = service.oneshot(refresh("605b32dd")?).await?;
/// assert_eq!(failed.status(), 503);
/// let body = failed.into_body().collect().await?.to_bytes();
/// assert_eq!(
///     body,
///     r#"{"status":500,"error":{"code":"50001","message":"Internal server error","field":""},"data":{}}"#
/// );
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct RefreshEndpoint {
    writer: Writer,
}

// Contract: TT-13.
impl Default for RefreshEndpoint {
    fn default() -> Self {
        Self { writer: Writer { no_verdict: StatusCode::SERVICE_UNAVAILABLE, ..Writer::default() } }
    }
}

impl RefreshEndpoint {
    /// The endpoint at the path that the clients call.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for RefreshEndpoint {
    type Credential = TokenRefresh;
    type Context = ();
    const NAME: &'static str = "taptalk.access_token_refresh";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<TokenRefresh, Rejection> {
        let refresh_token = bearer::take(&mut head.headers)?;
        let app_key = ApiKey::take_if_given(&mut head.headers)?;
        Ok(TokenRefresh { refresh_token, app_key, device: Device::read(&mut head.headers) })
    }

    fn refused(&self, outcome: Outcome<TokenVerdict>, (): ()) -> Response<Bytes> {
        tokens::refused(self.writer, &outcome)
    }
}

impl Endpoint for RefreshEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-2.
        Route::from_static(Method::POST, "/v1/auth/access_token/refresh")
    }

    fn admitted(&self, verdict: TokenVerdict, (): ()) -> Response<Bytes> {
        tokens::admitted(self.writer, verdict)
    }
}
