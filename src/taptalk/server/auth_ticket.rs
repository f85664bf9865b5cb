use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::taptalk::{
    wire::api_key::{ApiKey, KeyRefusal, SERVER_KEY},
    wire::envelope::{Writer, mirror_status_setter},
    wire::parameters,
    wire::refusal::Refusal,
    wire::ticket_parameters::TicketParameters,
};
use crate::{Contract, Credential, Endpoint, Failure, Outcome, Rejection, Route, Secret, Verdict};

/// A backend's request for a ticket on behalf of one of its users: see [`AuthTicketEndpoint`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TicketRequest {
    /// `Server-Key`: the backend's own key.
    pub server_key: ApiKey,
    /// The parameters of the ticket.
    pub parameters: TicketParameters,
}

impl TicketRequest {
    /// A request with a key, such as for a test of a verifier.
    pub fn new(server_key: ApiKey, parameters: TicketParameters) -> Self {
        Self { server_key, parameters }
    }
}

impl Credential for TicketRequest {
    type Verdict = TicketVerdict;
}

/// The response to a backend: a ticket, and the user it is for.
///
/// ```
/// use tower_verify::taptalk::Ticket;
///
/// let ticket = Ticket::new("6", "605b32dd");
/// assert_eq!(ticket.user_id, "6");
/// // The app needs the ticket itself. `Debug` does not show it.
/// assert_eq!(ticket.ticket.expose_secret(), "605b32dd");
/// assert!(!format!("{ticket:?}").contains("605b32dd"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticket {
    /// `userID`: TapTalk's id of the user, a decimal number of at most 31 bits. The Android SDK parses it as an `int`.
    pub user_id: String,
    /// `ticket`: what the app exchanges for an access token.
    pub ticket: Secret,
}

impl Ticket {
    /// A ticket for a user.
    pub fn new(user_id: impl Into<String>, ticket: impl Into<Secret>) -> Self {
        Self { user_id: user_id.into(), ticket: ticket.into() }
    }
}

/// The verdict on a [`TicketRequest`]: see [`AuthTicketEndpoint`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TicketVerdict {
    /// The key is good. This is the ticket.
    Issued(Ticket),
    /// The server key is not accepted.
    KeyRefused(KeyRefusal),
    /// The key is good, but this user gets no ticket.
    Refused,
}

impl Verdict for TicketVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Issued(_))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Issued(_) => "issued",
            Self::KeyRefused(refusal) => refusal.name(),
            Self::Refused => "refused",
        }
    }
}

/// `POST /v1/server/auth_ticket/request`: a backend asks for a ticket.
///
/// Headers are checked before parameters, and parameters in the order of their numbers. The response reports the first
/// fault only, with its code and the number of the parameter.
///
/// Source: TapTalk.io's "Authentication" in the PowerTalk server API.
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
///     taptalk::{AuthTicketEndpoint, KeyRefusal, Ticket, TicketRequest, TicketVerdict},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let tickets = verifier_fn(|request: Request<TicketRequest>| async move {
///     let key = &request.body().server_key;
///     // Both are compared in any case, so that the time taken does not tell which one was wrong.
///     let is_known = (key.id == "backend") & (key.secret == "s3cr3t");
///     Ok::<_, BoxError>(match is_known {
///         true => TicketVerdict::Issued(Ticket::new("6", "605b32dd")), // random, and stored for an hour
///         false => TicketVerdict::KeyRefused(KeyRefusal::Unknown),
///     })
/// });
/// let service = VerifyLayer::new(AuthTicketEndpoint::new(), tickets).into_service();
///
/// let request = Request::post("/v1/server/auth_ticket/request")
///     .header("Server-Key", "YmFja2VuZDpzM2NyM3Q=") // base64 of backend:s3cr3t
///     .body(String::from(
///         r#"{
///             "userIPAddress": "203.0.113.7", "userAgent": "okhttp/4.9.1",
///             "userPlatform": "android", "userDeviceID": "7a6c",
///             "xcUserID": "287", "fullName": "Ann Example"
///         }"#,
///     ))?;
/// let answer = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(
///     answer,
///     r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"6","ticket":"605b32dd"}}"#
/// );
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct AuthTicketEndpoint {
    writer: Writer,
}

impl AuthTicketEndpoint {
    /// The endpoint as documented.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for AuthTicketEndpoint {
    type Credential = TicketRequest;
    type Context = ();
    const NAME: &'static str = "taptalk.auth_ticket";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<TicketRequest, Rejection> {
        let server_key = ApiKey::take(&mut head.headers, &SERVER_KEY)?;
        parameters::read(body).map(|parameters| TicketRequest { server_key, parameters })
    }

    fn refused(&self, outcome: Outcome<TicketVerdict>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(TicketVerdict::KeyRefused(refusal)) => self.writer.refuse(Refusal::of_server_key(refusal)),
            Outcome::Verdict(TicketVerdict::Refused) => self.writer.refuse(Refusal::NO_TICKET),
            Outcome::Verdict(TicketVerdict::Issued(_)) => self.writer.failed(&Failure::panicked()),
            Outcome::Rejected(rejection) => self.writer.rejected(&rejection),
            Outcome::Failed(failure) => self.writer.failed(&failure),
        }
    }
}

impl Endpoint for AuthTicketEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-6.
        Route::from_static(Method::POST, "/v1/server/auth_ticket/request")
    }

    fn admitted(&self, verdict: TicketVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            TicketVerdict::Issued(Ticket { user_id, ticket }) => {
                self.writer.texts(&[("userID", &user_id), ("ticket", ticket.expose_secret())])
            }
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}
