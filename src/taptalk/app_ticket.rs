use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE},
    request::Parts,
};
use serde::Serialize;

use super::{AppDevice, AppTicketRequest, AppTicketVerdict, Ticket, UserPlatform, app_ticket_issuer::NoTicket};
use crate::{
    ClientAddr, ConfigError, Endpoint, Failure, FailureKind, Outcome, Rejection, RejectionKind, Route, Secret,
    json::{self, Value},
};

/// `POST /taptalk/auth_ticket`: where your own app fetches the ticket that it initialises TapTalk's SDK with.
///
/// The app says what it runs on, and who is logged in, in the way it says it to the rest of your backend:
///
/// ```http
/// POST /taptalk/auth_ticket
/// Authorization: Bearer …
///
/// {"userPlatform": "ios", "userDeviceID": "…"}
/// ```
///
/// | status | body | when |
/// |---|---|---|
/// | 200 | `{"userID": "…", "ticket": "…"}` | TapTalk gave a ticket |
/// | 400 | `invalid_request` | the request is malformed, or has no `User-Agent` |
/// | 401, with a challenge | `invalid_token` | your verifier does not know who is asking |
/// | 413 | `invalid_request` | the body is too large |
/// | 429, with `Retry-After` | `temporarily_unavailable` | the verifier is throttled |
/// | 500 | `server_error` | your verifier failed, or the client's address is not known |
/// | 502 | `temporarily_unavailable` | TapTalk refused, is away, or is too slow |
///
/// The body of an error is `{"error": "…", "error_description": "…"}`, whose members and codes are those of OAuth 2.0
/// (RFC 6749, RFC 6750). It does not say what TapTalk said.
///
/// The verifier to give it is an [`AppTicketIssuer`](super::AppTicketIssuer).
///
/// # Deployment
///
/// TapTalk wants the address of the user's device. That of the connection must be set by the host, as
/// [`PeerAddr`](crate::PeerAddr) shows; behind proxies, say how many there are with [`client_addr`](Self::client_addr).
/// If nothing of that is done, no ticket is given: every answer is 500.
///
/// A web app on another origin needs CORS, which is the host app's: tower-http's `CorsLayer`, outside of this endpoint.
///
/// Source: TapTalk.io's PowerTalk server API, "Authentication": "The client application can then retrieve the ticket from
/// your backend server". The form of the call is this crate's own.
#[derive(Debug, Clone)]
pub struct AppTicket {
    route: Route,
    client_addr: ClientAddr,
}

impl AppTicket {
    /// The endpoint at its default path, without proxies in front of it.
    pub fn new() -> Self {
        Self { route: Route::documented(Method::POST, "/taptalk/auth_ticket"), client_addr: ClientAddr::peer() }
    }

    /// Serves another path than `/taptalk/auth_ticket`.
    ///
    /// # Errors
    /// If no request can have this path.
    pub fn path(mut self, path: &str) -> Result<Self, ConfigError> {
        self.route = self.route.with_path(path)?;
        Ok(self)
    }

    /// How the address of the user's device is found. The default is the connection's: [`ClientAddr::peer`].
    pub fn client_addr(mut self, client_addr: ClientAddr) -> Self {
        self.client_addr = client_addr;
        self
    }
}

impl Default for AppTicket {
    fn default() -> Self {
        Self::new()
    }
}

impl Endpoint for AppTicket {
    type Credential = AppTicketRequest;

    fn route(&self) -> &Route {
        &self.route
    }

    fn decode(&self, head: &mut Parts, body: Bytes) -> Result<AppTicketRequest, Rejection> {
        const NAMES: [&str; 2] = ["userPlatform", "userDeviceID"];

        let text = json::text(body)?;
        let [platform, device_id] = json::members(&text, &NAMES)?;
        let user_platform = match platform {
            Some(Value::Text(platform)) => UserPlatform::from_word(&platform),
            _ => None,
        };
        let user_platform = user_platform.ok_or_else(|| {
            Rejection::malformed("`userPlatform` must be \"android\", \"ios\" or \"web\"").with_field(NAMES[0])
        })?;
        let user_device_id = match device_id {
            Some(Value::Text(device_id)) if !device_id.is_empty() => Secret::slice_of(&text, device_id),
            _ => {
                let detail = "`userDeviceID` must be a string that is not empty";
                return Err(Rejection::malformed(detail).with_field(NAMES[1]));
            }
        };
        let user_agent = head.headers.get(USER_AGENT).filter(|value| !value.is_empty());
        let user_agent = user_agent.ok_or(Rejection::malformed("there is no `User-Agent` header"))?;
        let user_agent = String::from_utf8_lossy(user_agent.as_bytes()).as_ref().into();
        let user_ip_address = self.client_addr.find(head);
        Ok(AppTicketRequest { device: AppDevice { user_platform, user_device_id, user_agent, user_ip_address } })
    }

    fn answer(&self, outcome: Outcome<AppTicketVerdict>) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(AppTicketVerdict::Issued(Ticket { user_id, ticket })) => {
                let body = TicketBody { user_id: &user_id, ticket: ticket.expose_secret() };
                response(StatusCode::OK, &body)
            }
            Outcome::Verdict(AppTicketVerdict::UnknownCaller) => unknown_caller("it is not known who is asking"),
            Outcome::Rejected(rejection) => match rejection.kind() {
                RejectionKind::UnknownCaller => unknown_caller(rejection.detail()),
                RejectionKind::TooLarge => error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", rejection.detail()),
                RejectionKind::Malformed => error(StatusCode::BAD_REQUEST, "invalid_request", rejection.detail()),
            },
            Outcome::Failed(failure) => failed(&failure),
        }
    }
}

fn unknown_caller(description: &str) -> Response<Bytes> {
    let mut response = error(StatusCode::UNAUTHORIZED, "invalid_token", description);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn failed(failure: &Failure) -> Response<Bytes> {
    let no_ticket = || std::error::Error::source(failure).is_some_and(|source| source.is::<NoTicket>());
    match failure.kind() {
        FailureKind::Throttled => {
            let mut response =
                error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", "there were too many failed attempts");
            if let Some(wait) = failure.retry_after() {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            response
        }
        FailureKind::DeadlineExceeded => {
            error(StatusCode::BAD_GATEWAY, "temporarily_unavailable", "there was no ticket in time")
        }
        FailureKind::Error if no_ticket() => {
            error(StatusCode::BAD_GATEWAY, "temporarily_unavailable", "TapTalk gave no ticket")
        }
        FailureKind::Error | FailureKind::Panicked => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the backend failed")
        }
    }
}

#[derive(Serialize)]
struct TicketBody<'a> {
    #[serde(rename = "userID")]
    user_id: &'a str,
    ticket: &'a str,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

fn error(status: StatusCode, error: &str, error_description: &str) -> Response<Bytes> {
    response(status, &ErrorBody { error, error_description })
}

fn response(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).expect("strings are JSON");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
