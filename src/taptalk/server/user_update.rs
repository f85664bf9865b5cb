use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::taptalk::{
    wire::api_key::{ApiKey, KeyRefusal, SERVER_KEY},
    wire::envelope::{Writer, mirror_status_setter},
    wire::parameters,
    wire::profile::Profile,
    wire::refusal::Refusal,
};
use crate::{Contract, Credential, Endpoint, Failure, Outcome, Rejection, Route, Verdict};

/// A backend's request to save a user: see [`UserUpdateEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UserUpdate {
    /// `Server-Key`: the backend's own key.
    pub server_key: ApiKey,
    /// The parameters 105 to 112.
    pub profile: Profile,
}

impl UserUpdate {
    /// A request, such as for a test of a verifier.
    pub fn new(server_key: ApiKey, profile: Profile) -> Self {
        Self { server_key, profile }
    }
}

impl Credential for UserUpdate {
    type Verdict = UserVerdict;
}

/// The verdict on a [`UserUpdate`]: see [`UserUpdateEndpoint`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserVerdict {
    /// The user is saved. This is TapTalk's id of the user: see [`Ticket::user_id`](crate::taptalk::Ticket::user_id).
    Saved(String),
    /// The server key is not accepted.
    KeyRefused(KeyRefusal),
}

impl Verdict for UserVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Saved(_))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Saved(_) => "saved",
            Self::KeyRefused(refusal) => refusal.name(),
        }
    }
}

/// `POST /v1/server/user/update`: a backend saves a new or an existing user.
///
/// Source: TapTalk.io's "User" in the PowerTalk server API.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one):
///
/// ```
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     taptalk::{KeyRefusal, UserUpdate, UserUpdateEndpoint, UserVerdict},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let users = verifier_fn(|request: Request<UserUpdate>| async move {
///     let UserUpdate { server_key, profile, .. } = request.into_body();
///     let is_known = (server_key.id == "backend") & (server_key.secret == "s3cr3t");
///     if !is_known {
///         return Ok::<_, BoxError>(UserVerdict::KeyRefused(KeyRefusal::Unknown));
///     }
///     // Save the profile in your database, under an id that stays the same for this `xcUserID`.
///     assert_eq!((profile.xc_user_id.expose_secret(), profile.full_name.expose_secret()), ("287", "Ann Example"));
///     Ok(UserVerdict::Saved("6".to_owned()))
/// });
/// let service = VerifyLayer::new(UserUpdateEndpoint::new(), users).into_service();
///
/// let request = Request::post("/v1/server/user/update")
///     .header("Server-Key", "YmFja2VuZDpzM2NyM3Q=") // base64 of backend:s3cr3t
///     .body(String::from(r#"{"xcUserID": "287", "fullName": "Ann Example"}"#))?;
/// let answer = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(answer, r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"6"}}"#);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct UserUpdateEndpoint {
    writer: Writer,
}

impl UserUpdateEndpoint {
    /// The endpoint as documented.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for UserUpdateEndpoint {
    type Credential = UserUpdate;
    type Context = ();
    const NAME: &'static str = "taptalk.user_update";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<UserUpdate, Rejection> {
        let server_key = ApiKey::take(&mut head.headers, &SERVER_KEY)?;
        parameters::read_profile(body).map(|profile| UserUpdate { server_key, profile })
    }

    fn refused(&self, outcome: Outcome<UserVerdict>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(UserVerdict::KeyRefused(refusal)) => self.writer.refuse(Refusal::of_server_key(refusal)),
            Outcome::Verdict(UserVerdict::Saved(_)) => self.writer.failed(&Failure::panicked()),
            Outcome::Rejected(rejection) => self.writer.rejected(&rejection),
            Outcome::Failed(failure) => self.writer.failed(&failure),
        }
    }
}

impl Endpoint for UserUpdateEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-14.
        Route::from_static(Method::POST, "/v1/server/user/update")
    }

    fn admitted(&self, verdict: UserVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            UserVerdict::Saved(user_id) => self.writer.texts(&[("userID", &user_id)]),
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}
