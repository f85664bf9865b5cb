use bytes::Bytes;
use http::{Method, Response, request::Parts};

use super::connect::{self, AccessVerdict};
use crate::taptalk::{
    wire::api_key::{APP_KEY, ApiKey},
    wire::bearer,
    wire::device::Device,
    wire::envelope::{Writer, mirror_status_setter},
};
use crate::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret};

/// An app's request to end its login: see [`LogoutEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Logout {
    /// The bearer of `Authorization`: the access token.
    pub access_token: Secret,
    /// `App-Key`: the app's own key.
    pub app_key: ApiKey,
    /// The device that the app claims to run on.
    pub device: Device,
}

impl Logout {
    /// A logout without a device, such as for a test of a verifier.
    pub fn new(access_token: impl Into<Secret>, app_key: ApiKey) -> Self {
        Self { access_token: access_token.into(), app_key, device: Device::default() }
    }
}

impl Credential for Logout {
    /// [`AccessVerdict::Valid`] means that the login has ended.
    type Verdict = AccessVerdict;
}

/// `POST /v1/client/logout`: an app ends its login.
///
/// Its access token and its refresh token are refused from then on. Any body is accepted and ignored. The clients
/// ignore the response.
///
/// Source: what TapTalk.io's published clients send.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one):
///
/// ```
/// use std::{collections::HashSet, sync::Mutex};
///
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, Verifier, VerifyLayer,
///     taptalk::{AccessVerdict, KeyRefusal, Logout, LogoutEndpoint},
/// };
///
/// /// The access tokens that are good.
/// struct Sessions(Mutex<HashSet<String>>);
///
/// impl Verifier<Logout> for Sessions {
///     async fn verify(&self, request: Request<Logout>) -> Result<AccessVerdict, BoxError> {
///         let Logout { access_token, app_key, .. } = request.into_body();
///         let is_known = (app_key.id == "android") & (app_key.secret == "pl41n");
///         if !is_known {
///             return Ok(AccessVerdict::KeyRefused(KeyRefusal::Unknown));
///         }
///         let ended = self.0.lock().unwrap().remove(access_token.expose_secret());
///         Ok(if ended { AccessVerdict::Valid } else { AccessVerdict::Invalid })
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let sessions = Sessions(Mutex::new(HashSet::from(["605b32dd".to_owned()])));
/// let service = VerifyLayer::new(LogoutEndpoint::new(), sessions).into_service();
///
/// let request = Request::post("/v1/client/logout")
///     .header("Authorization", "Bearer 605b32dd")
///     .header("App-Key", "YW5kcm9pZDpwbDQxbg==") // base64 of android:pl41n
///     .body(String::new())?;
/// let answer = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(answer, r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}}"#);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct LogoutEndpoint {
    writer: Writer,
}

impl LogoutEndpoint {
    /// The endpoint at the path that the clients call.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for LogoutEndpoint {
    type Credential = Logout;
    type Context = ();
    const NAME: &'static str = "taptalk.logout";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<Logout, Rejection> {
        let access_token = bearer::take(&mut head.headers)?;
        let app_key = ApiKey::take(&mut head.headers, &APP_KEY)?;
        Ok(Logout { access_token, app_key, device: Device::read(&mut head.headers) })
    }

    fn refused(&self, outcome: Outcome<AccessVerdict>, (): ()) -> Response<Bytes> {
        connect::refused(self.writer, outcome)
    }
}

impl Endpoint for LogoutEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-4.
        Route::from_static(Method::POST, "/v1/client/logout")
    }

    fn admitted(&self, verdict: AccessVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            AccessVerdict::Valid => self.writer.no_data(),
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}
