use std::{error::Error, fmt, future::poll_fn};

use http::Request;
use tower_service::Service;

use crate::taptalk::{AppCaller, AppDevice, AppTicketRequest, AppTicketVerdict, Ticket, TicketParameters};
use crate::{BoxError, Verifier};

/// The verifier for [`AppTicketEndpoint`](crate::taptalk::AppTicketEndpoint): requests tickets from TapTalk.
///
/// First your verifier identifies the caller, then TapTalk issues a ticket for that user. For an unknown caller TapTalk
/// is not asked.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use tower::{ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, PeerAddr, VerifyLayer,
///     taptalk::{ApiKey, AppCaller, AppTicketEndpoint, AppTicketIssuer, Client, Profile},
///     verifier_fn,
///     wire::bearer,
/// };
///
/// # futures::executor::block_on(async {
/// // Your app knows how its users log in. Here, there is one user with one bearer token.
/// let callers = verifier_fn(|mut request: Request<AppCaller>| async move {
///     let token = bearer::take(request.headers_mut());
///     let is_known = token.is_ok_and(|token| token == "605b32dd");
///     Ok::<_, BoxError>(is_known.then(|| Profile::new("customer-7", "Ada Lovelace")))
/// });
/// // A stand-in for TapTalk: a real backend has hyper-util's client here, or `Client::over_https`.
/// let http = service_fn(|_: Request<Full<Bytes>>| async {
///     let answer = r#"{"status": 200, "error": {}, "data": {"userID": "6", "ticket": "7a6c"}}"#;
///     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(answer)))
/// });
/// let client = Client::new(http, ApiKey::new("key-id", "key-secret"))?;
/// let service = VerifyLayer::new(AppTicketEndpoint::new(), AppTicketIssuer::new(callers, client)).into_service();
///
/// let ask = |token: &str| {
///     Request::post("/taptalk/auth_ticket")
///         .header("Authorization", format!("Bearer {token}"))
///         .header("User-Agent", "Acme/1.0")
///         .extension(PeerAddr(([203, 0, 113, 9], 4711).into())) // set by the host: see `PeerAddr`
///         .body(r#"{"userPlatform": "ios", "userDeviceID": "device-7"}"#.to_owned())
/// };
/// let answer = service.clone().oneshot(ask("605b32dd")?).await?;
/// assert_eq!(answer.into_body().collect().await?.to_bytes(), r#"{"userID":"6","ticket":"7a6c"}"#);
/// assert_eq!(service.oneshot(ask("guess")?).await?.status(), 401);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct AppTicketIssuer<V, C> {
    callers: V,
    client: C,
}

impl<V, C> AppTicketIssuer<V, C> {
    /// Requests tickets through `client` for the users that `callers` identifies.
    ///
    /// `callers` is a [`Verifier`] of [`AppCaller`]. `client` is a [`Client`](crate::taptalk::Client), or one inside of
    /// tower's retries, limits and timeouts.
    pub fn new(callers: V, client: C) -> Self {
        Self { callers, client }
    }
}

impl<V, C> Verifier<AppTicketRequest> for AppTicketIssuer<V, C>
where
    V: Verifier<AppCaller>,
    C: Service<TicketParameters, Response = Ticket, Error: Into<BoxError>, Future: Send>,
    C: Clone + Send + Sync + 'static,
{
    async fn verify(&self, request: Request<AppTicketRequest>) -> Result<AppTicketVerdict, BoxError> {
        let device = request.body().device.clone();
        let caller = request.map(|AppTicketRequest { device }| AppCaller { device });
        let Some(profile) = self.callers.verify(caller).await? else {
            return Ok(AppTicketVerdict::UnknownCaller);
        };
        let AppDevice { user_platform, user_device_id, user_agent, user_ip_address } = device;
        let user_ip_address = user_ip_address.ok_or(
            "the client's address is unknown: insert a `PeerAddr` into the request's extensions or set `client_addr`",
        )?;
        let user_ip_address = user_ip_address.to_string();
        let parameters = TicketParameters::new(profile, user_platform, user_device_id, user_ip_address, user_agent);
        let mut client = self.client.clone();
        poll_fn(|cx| client.poll_ready(cx)).await.map_err(NoTicket::boxed)?;
        client.call(parameters).await.map(AppTicketVerdict::Issued).map_err(NoTicket::boxed)
    }
}

impl<V, C> fmt::Debug for AppTicketIssuer<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppTicketIssuer").finish_non_exhaustive()
    }
}

/// Marks an error that comes from TapTalk or the connection to it.
#[derive(Debug)]
pub(in crate::taptalk) struct NoTicket(BoxError);

impl NoTicket {
    pub(in crate::taptalk) fn boxed(error: impl Into<BoxError>) -> BoxError {
        Self(error.into()).into()
    }
}

impl fmt::Display for NoTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TapTalk gave no ticket")
    }
}

impl Error for NoTicket {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
