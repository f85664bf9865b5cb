use std::net::IpAddr;

use crate::taptalk::{Profile, Ticket, UserPlatform};
use crate::{Credential, Secret, Verdict};

/// The device that your app runs on, as your backend sees it. It is part of an [`AppCaller`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AppDevice {
    /// `userPlatform`: the platform that the app runs on.
    pub user_platform: UserPlatform,
    /// `userDeviceID`: the id of the device, chosen by the app.
    pub user_device_id: Secret,
    /// The request's `User-Agent`.
    pub user_agent: Secret,
    /// The client's address, as [`ClientAddr`](crate::ClientAddr) finds it; `None` if it is unknown.
    pub user_ip_address: Option<IpAddr>,
}

impl AppDevice {
    /// A device without a user agent and an address, such as for a test of a verifier.
    pub fn new(user_platform: UserPlatform, user_device_id: impl Into<Secret>) -> Self {
        Self {
            user_platform,
            user_device_id: user_device_id.into(),
            user_agent: Secret::default(),
            user_ip_address: None,
        }
    }
}

/// Your app's request to your backend for a ticket: see [`AppTicketEndpoint`](crate::taptalk::AppTicketEndpoint).
///
/// The caller is identified by the request's headers: a cookie or a bearer token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AppTicketRequest {
    /// The device that the ticket is for.
    pub device: AppDevice,
}

impl AppTicketRequest {
    /// A request from `device`.
    pub fn new(device: AppDevice) -> Self {
        Self { device }
    }
}

impl Credential for AppTicketRequest {
    type Verdict = AppTicketVerdict;
}

/// The verdict on an [`AppTicketRequest`]: see [`AppTicketEndpoint`](crate::taptalk::AppTicketEndpoint).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AppTicketVerdict {
    /// TapTalk issued this ticket.
    Issued(Ticket),
    /// The caller is not a known user.
    UnknownCaller,
}

impl Verdict for AppTicketVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Issued(_))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Issued(_) => "issued",
            Self::UnknownCaller => "unknown_user",
        }
    }
}

/// The caller of an [`AppTicketEndpoint`](crate::taptalk::AppTicketEndpoint), whom your verifier identifies.
///
/// An [`AppTicketIssuer`](crate::taptalk::AppTicketIssuer) needs such a verifier. It looks at the request's headers,
/// and its verdict is the profile of the user who is logged in, or `None` if nobody is.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     taptalk::{AppCaller, AppDevice, Profile, UserPlatform},
///     wire::bearer,
/// };
///
/// struct Sessions;
///
/// impl Verifier<AppCaller> for Sessions {
///     async fn verify(&self, mut request: Request<AppCaller>) -> Result<Option<Profile>, BoxError> {
///         let Ok(token) = bearer::take(request.headers_mut()) else { return Ok(None) };
///         // Look the session up in your database; `?` on its errors is right.
///         Ok((token == "605b32dd").then(|| Profile::new("customer-7", "Ada Lovelace")))
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let caller = AppCaller::new(AppDevice::new(UserPlatform::Ios, "device-7"));
/// let request = Request::builder().header("Authorization", "Bearer 605b32dd").body(caller.clone())?;
/// assert!(Sessions.verify(request).await?.is_some());
/// assert!(Sessions.verify(Request::new(caller)).await?.is_none());
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AppCaller {
    /// The device that the app claims to run on. It proves nothing.
    pub device: AppDevice,
}

impl AppCaller {
    /// The caller on `device`.
    pub fn new(device: AppDevice) -> Self {
        Self { device }
    }
}

impl Credential for AppCaller {
    type Verdict = Option<Profile>;
}
