use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{USER_AGENT, WWW_AUTHENTICATE},
    request::Parts,
};
use serde::Serialize;

use crate::taptalk::{
    AppDevice, AppTicketRequest, AppTicketVerdict, Ticket, UserPlatform, client::app_ticket_issuer::NoTicket,
};
use crate::{
    ClientAddr, Contract, Endpoint, Failure, FailureKind, Outcome, Rejection, RejectionKind, Route, Secret,
    wire::{
        self,
        json::{self, Value},
        response::{self, oauth_error, retry_after},
    },
};

/// `POST /taptalk/auth_ticket`: your own app gets the ticket that it initialises TapTalk's SDK with.
///
/// The app sends its platform and device, and authenticates its user in the same way as to the rest of your backend:
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
/// | 200 | `{"userID": "…", "ticket": "…"}` | TapTalk issued a ticket |
/// | 400 | `invalid_request` | the request is malformed, or has no `User-Agent` |
/// | 401, with a challenge | `invalid_token` | your verifier does not know the caller |
/// | 413 | `invalid_request` | the body is too large |
/// | 429, with `Retry-After` | `temporarily_unavailable` | the verifier is throttled |
/// | 500 | `server_error` | your verifier failed, or the client's address is unknown |
/// | 502 | `temporarily_unavailable` | TapTalk refused, is unavailable, or is too slow |
///
/// The body of an error is `{"error": "…", "error_description": "…"}`, with the members and codes of OAuth 2.0 (RFC
/// 6749, RFC 6750). It does not contain TapTalk's error.
///
/// Its verifier is an [`AppTicketIssuer`](crate::taptalk::AppTicketIssuer).
///
/// # Deployment
///
/// TapTalk requires the address of the user's device. Your server must set the address of the connection on each
/// request, as [`PeerAddr`](crate::PeerAddr) shows. Behind proxies, set their number with
/// [`client_addr`](Self::client_addr). Without an address, no ticket is issued: every response is a 500.
///
/// A web app on another origin needs CORS: put tower-http's `CorsLayer` outside of this endpoint.
///
/// Source: TapTalk.io's PowerTalk server API, "Authentication": "The client application can then retrieve the ticket
/// from your backend server". The form of the call is this crate's own.
///
/// # Examples
///
/// Behind one proxy, with a verifier of your own in place of an [`AppTicketIssuer`](crate::taptalk::AppTicketIssuer):
///
/// ```
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, ClientAddr, VerifyLayer,
///     taptalk::{AppTicketEndpoint, AppTicketRequest, AppTicketVerdict, Ticket},
///     verifier_fn,
///     wire::bearer,
/// };
///
/// # futures::executor::block_on(async {
/// let tickets = verifier_fn(|mut request: Request<AppTicketRequest>| async move {
///     assert_eq!(request.body().device.user_ip_address, Some("203.0.113.9".parse()?));
///     let token = bearer::take(request.headers_mut());
///     Ok::<_, BoxError>(match token.is_ok_and(|token| token == "605b32dd") {
///         true => AppTicketVerdict::Issued(Ticket::new("6", "7a6c")),
///         false => AppTicketVerdict::UnknownCaller,
///     })
/// });
/// let endpoint = AppTicketEndpoint::new().client_addr(ClientAddr::x_forwarded_for(1)?);
/// let service = VerifyLayer::new(endpoint, tickets).into_service();
///
/// let request = Request::post("/taptalk/auth_ticket")
///     .header("Authorization", "Bearer 605b32dd")
///     .header("User-Agent", "Acme/1.0")
///     .header("X-Forwarded-For", "203.0.113.9")
///     .body(r#"{"userPlatform": "ios", "userDeviceID": "device-7"}"#.to_owned())?;
/// let answer = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(answer, r#"{"userID":"6","ticket":"7a6c"}"#);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct AppTicketEndpoint {
    client_addr: ClientAddr,
}

impl AppTicketEndpoint {
    /// The endpoint at its default path, without proxies in front of it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how the address of the user's device is found. The default is [`ClientAddr::peer`], the connection's
    /// address.
    pub fn client_addr(mut self, client_addr: ClientAddr) -> Self {
        self.client_addr = client_addr;
        self
    }
}

impl Contract for AppTicketEndpoint {
    type Credential = AppTicketRequest;
    type Context = ();
    const NAME: &'static str = "taptalk.app_ticket";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<AppTicketRequest, Rejection> {
        const NAMES: [&str; 2] = ["userPlatform", "userDeviceID"];

        let text = wire::text(body)?;
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
        let user_ip_address = self.client_addr.find(&head.headers, &head.extensions);
        Ok(AppTicketRequest { device: AppDevice { user_platform, user_device_id, user_agent, user_ip_address } })
    }

    fn refused(&self, outcome: Outcome<AppTicketVerdict>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(AppTicketVerdict::UnknownCaller) => unauthorized("it is not known who is asking"),
            Outcome::Verdict(AppTicketVerdict::Issued(_)) => failed(&Failure::panicked()),
            Outcome::Rejected(rejection) => match rejection.kind() {
                RejectionKind::UnknownCaller | RejectionKind::NoCredential => unauthorized(rejection.detail()),
                RejectionKind::TooLarge => {
                    oauth_error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", rejection.detail())
                }
                RejectionKind::Malformed => oauth_error(StatusCode::BAD_REQUEST, "invalid_request", rejection.detail()),
            },
            Outcome::Failed(failure) => failed(&failure),
        }
    }
}

impl Endpoint for AppTicketEndpoint {
    fn route(&self) -> Route {
        // Contract: TT-16.
        Route::from_static(Method::POST, "/taptalk/auth_ticket")
    }

    fn admitted(&self, verdict: AppTicketVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            AppTicketVerdict::Issued(Ticket { user_id, ticket }) => {
                let body = TicketBody { user_id: &user_id, ticket: ticket.expose_secret() };
                response::json(StatusCode::OK, &body)
            }
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}

fn unauthorized(description: &str) -> Response<Bytes> {
    let mut response = oauth_error(StatusCode::UNAUTHORIZED, "invalid_token", description);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn failed(failure: &Failure) -> Response<Bytes> {
    let no_ticket = || std::error::Error::source(failure).is_some_and(|source| source.is::<NoTicket>());
    match failure.kind() {
        FailureKind::Throttled => {
            let mut response = oauth_error(
                StatusCode::TOO_MANY_REQUESTS,
                "temporarily_unavailable",
                "there were too many failed attempts",
            );
            retry_after(&mut response, failure.retry_after());
            response
        }
        FailureKind::DeadlineExceeded => {
            oauth_error(StatusCode::BAD_GATEWAY, "temporarily_unavailable", "there was no ticket in time")
        }
        FailureKind::Error if no_ticket() => {
            oauth_error(StatusCode::BAD_GATEWAY, "temporarily_unavailable", "TapTalk gave no ticket")
        }
        _ => oauth_error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the backend failed"),
    }
}

#[derive(Serialize)]
struct TicketBody<'a> {
    #[serde(rename = "userID")]
    user_id: &'a str,
    ticket: &'a str,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Request, header::CONTENT_TYPE};

    use super::*;
    use crate::PeerAddr;

    fn decode(endpoint: &AppTicketEndpoint, user_agent: &[u8], body: &'static [u8]) -> Result<AppDevice, Rejection> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.headers.insert(USER_AGENT, HeaderValue::from_bytes(user_agent).unwrap());
        head.headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
        head.extensions.insert(PeerAddr("10.0.0.1:4711".parse().unwrap()));
        endpoint.decode(&mut head, Bytes::from_static(body), &mut ()).map(|request| request.device)
    }

    const BODY: &[u8] = br#"{"userPlatform": "ios", "userDeviceID": "device-7", "userIPAddress": "6.6.6.6"}"#;

    #[test]
    fn the_endpoint_fills_in_the_user_agent_and_the_address() {
        let device = decode(&AppTicketEndpoint::new(), b"Acme/1.0", BODY).unwrap();
        assert_eq!(device.user_platform, UserPlatform::Ios);
        assert_eq!((device.user_device_id, device.user_agent), ("device-7".into(), "Acme/1.0".into()));
        assert_eq!(device.user_ip_address, Some("10.0.0.1".parse().unwrap()));

        let behind_one = AppTicketEndpoint::new().client_addr(ClientAddr::x_forwarded_for(1).unwrap());
        let device = decode(&behind_one, b"\xe9", BODY).unwrap();
        assert_eq!(device.user_ip_address, Some("203.0.113.9".parse().unwrap()));
        assert_eq!(device.user_agent, "\u{fffd}");

        let mut head = Request::new(()).into_parts().0;
        head.headers.insert(USER_AGENT, HeaderValue::from_static("Acme/1.0"));
        let device = AppTicketEndpoint::new().decode(&mut head, Bytes::from_static(BODY), &mut ()).unwrap().device;
        assert_eq!(device.user_ip_address, None);
    }

    #[test]
    fn a_malformed_field_is_named() {
        for (user_agent, body, field) in [
            (&b"Acme/1.0"[..], &br#"{"userDeviceID": "d"}"#[..], Some("userPlatform")),
            (b"Acme/1.0", br#"{"userPlatform": "IOS", "userDeviceID": "d"}"#, Some("userPlatform")),
            (b"Acme/1.0", br#"{"userPlatform": 1, "userDeviceID": "d"}"#, Some("userPlatform")),
            (b"Acme/1.0", br#"{"userPlatform": "web"}"#, Some("userDeviceID")),
            (b"Acme/1.0", br#"{"userPlatform": "web", "userDeviceID": ""}"#, Some("userDeviceID")),
            (b"Acme/1.0", br#"{"userPlatform": "web", "userDeviceID": null}"#, Some("userDeviceID")),
            (
                b"Acme/1.0",
                br#"{"userPlatform": "web", "userDeviceID": "d", "userDeviceID": "e"}"#,
                Some("userDeviceID"),
            ),
            (b"Acme/1.0", b"userPlatform=web&userDeviceID=d", None),
            (b"Acme/1.0", b"\xff", None),
            (b"Acme/1.0", b"", None),
            (b"", BODY, None),
        ] {
            let rejection = decode(&AppTicketEndpoint::new(), user_agent, body).unwrap_err();
            assert_eq!((rejection.kind(), rejection.field()), (RejectionKind::Malformed, field), "{body:?}");
        }
    }

    /// The status, the body, and the value of `header`, if any, in the response to `outcome`.
    fn answer(outcome: impl Into<Outcome<AppTicketVerdict>>, header: &str) -> (u16, String, Option<String>) {
        let response = outcome.into().respond(&AppTicketEndpoint::new(), ());
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let header = response.headers().get(header).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), String::from_utf8(response.into_body().into()).unwrap(), header)
    }

    fn problem(status: u16, error: &str, description: &str, header: Option<&str>) -> (u16, String, Option<String>) {
        let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
        (status, body, header.map(str::to_owned))
    }

    #[test]
    fn every_outcome_has_its_response() {
        let issued = AppTicketVerdict::Issued(Ticket::new("6", "t\"1"));
        let body = r#"{"userID":"6","ticket":"t\"1"}"#.to_owned();
        assert_eq!(answer(Outcome::Verdict(issued), "www-authenticate"), (200, body, None));
        assert_eq!(
            answer(Outcome::Verdict(AppTicketVerdict::UnknownCaller), "www-authenticate"),
            problem(401, "invalid_token", "it is not known who is asking", Some("Bearer"))
        );
        assert_eq!(
            answer(Rejection::unknown_caller(), "www-authenticate"),
            problem(401, "invalid_token", "the caller's secret is missing or not known", Some("Bearer"))
        );
        assert_eq!(
            answer(Rejection::no_credential("there is no session"), "www-authenticate"),
            problem(401, "invalid_token", "there is no session", Some("Bearer"))
        );
        assert_eq!(
            answer(Rejection::malformed("the body is not UTF-8"), "www-authenticate"),
            problem(400, "invalid_request", "the body is not UTF-8", None)
        );
        assert_eq!(
            answer(Rejection::too_large(7), "www-authenticate"),
            problem(413, "invalid_request", "the body is larger than 7 bytes", None)
        );
        assert_eq!(
            answer(Failure::from_error(NoTicket::boxed("connection to 10.0.0.7 refused")), "retry-after"),
            problem(502, "temporarily_unavailable", "TapTalk gave no ticket", None)
        );
        assert_eq!(
            answer(Failure::from_error("connection to 10.0.0.7 refused"), "retry-after"),
            problem(500, "server_error", "the backend failed", None)
        );
        assert_eq!(
            answer(Failure::panicked(), "retry-after"),
            problem(500, "server_error", "the backend failed", None)
        );
        assert_eq!(
            answer(Failure::overloaded(), "retry-after"),
            problem(500, "server_error", "the backend failed", None)
        );
        assert_eq!(
            answer(Failure::throttled(Duration::from_millis(2001)), "retry-after"),
            problem(429, "temporarily_unavailable", "there were too many failed attempts", Some("3"))
        );
        let (status, _, wait) = answer(Failure::throttled(Duration::MAX), "retry-after");
        assert_eq!((status, wait), (429, Some(u64::MAX.to_string())));
        assert_eq!(
            answer(Failure::deadline_exceeded(), "retry-after"),
            problem(502, "temporarily_unavailable", "there was no ticket in time", None)
        );
    }

    #[test]
    fn a_verdict_passed_to_the_wrong_function_is_not_admitted() {
        let refused =
            AppTicketEndpoint::new().refused(Outcome::Verdict(AppTicketVerdict::Issued(Ticket::new("6", "t"))), ());
        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let refused = AppTicketEndpoint::new().admitted(AppTicketVerdict::UnknownCaller, ());
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
}
