//! Diyalog's token verification: the checks of customers ([`CustomerEndpoint`]) and of agents ([`AgentEndpoint`]).
//!
//! Diyalog calls two endpoints of yours. Each call asks about a token that *you* made:
//!
//! | endpoint | Diyalog calls it | with the trio | you make the token |
//! |---|---|---|---|
//! | [`CustomerEndpoint`], `POST /checkauthtoken` | when a customer's SDK is activated | `deviceId`, `dlgToken`, `customerNo` | when your app has logged its user in |
//! | [`AgentEndpoint`], `GET /CheckToken` | when its web app opens in an iframe of yours | `sessionId`, `token`, `userNo` | when your agent application opens the iframe |
//!
//! # What you implement
//!
//! A [`Verifier`](crate::Verifier) of [`CustomerToken`], of [`AgentToken`], or of both. It decides whether a token is
//! good for the other two of its trio. An error means that there is no verdict; it is never shown to Diyalog.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{
//!     BoxError, Secret, Verifier, VerifyLayer,
//!     diyalog::{AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict},
//! };
//!
//! /// Each customer's token and device, and each agent's token and session.
//! #[derive(Clone)]
//! struct Tokens {
//!     of_customers: HashMap<String, (Secret, Secret)>,
//!     of_agents: HashMap<String, (Secret, Secret)>,
//! }
//!
//! impl Verifier<CustomerToken> for Tokens {
//!     async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!         let asked = request.body();
//!         Ok(match self.of_customers.get(asked.customer_no.expose_secret()) {
//!             Some((token, device_id)) if *token == asked.dlg_token => {
//!                 if *device_id == asked.device_id { CustomerVerdict::Validated } else { CustomerVerdict::InvalidDeviceId }
//!             }
//!             _ => CustomerVerdict::InvalidToken,
//!         })
//!     }
//! }
//!
//! impl Verifier<AgentToken> for Tokens {
//!     async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
//!         let asked = request.into_body();
//!         Ok(match self.of_agents.get(asked.user_no.expose_secret()) {
//!             Some((token, session_id)) if *token == asked.token => {
//!                 if *session_id == asked.session_id {
//!                     AgentVerdict::validated(asked.user_no)
//!                 } else {
//!                     AgentVerdict::InvalidSessionId
//!                 }
//!             }
//!             _ => AgentVerdict::InvalidToken,
//!         })
//!     }
//! }
//!
//! # futures::executor::block_on(async {
//! let tokens = Tokens {
//!     of_customers: HashMap::from([("1234567".into(), ("2121sasasrwsdss".into(), "123456789aacaaca".into()))]),
//!     of_agents: HashMap::from([("45186".into(), ("b1f0".into(), "s-7".into()))]),
//! };
//! let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app"))) });
//! let app = ServiceBuilder::new()
//!     .layer(VerifyLayer::new(CustomerEndpoint::new(), tokens.clone()))
//!     .layer(VerifyLayer::new(AgentEndpoint::new(), tokens))
//!     .service(app);
//!
//! let body = r#"{"deviceId": "123456789aacaaca", "dlgToken": "2121sasasrwsdss", "customerNo": "1234567"}"#;
//! let answer = app.clone().oneshot(Request::post("/checkauthtoken").body(body.to_owned())?).await?;
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), "Validated");
//!
//! let asked = Request::get("/CheckToken?sessionId=s-7&token=b1f0&userNo=45186").body(String::new())?;
//! let answer = app.oneshot(asked).await?.into_body().collect().await?.to_bytes();
//! assert_eq!(answer, r#"{"success":true,"result":"agent 45186 verified"}"#);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # Making the tokens
//!
//! [`Tokens`] makes tokens for both endpoints and verifies them, without storing anything. [`StoredTokens`] can be
//! revoked too. Both need the feature `token`, which is on by default.
//!
//! If you make your own, a token needs at least 128 random bits, in URL-safe characters. Make it for Diyalog alone, and
//! never use a session token of your app. Bind it to the other two of its trio, and let it expire after minutes.
//! Diyalog can ask about the same activation more than once, so do not refuse a token because it was validated before.
//!
//! # The caller's secret
//!
//! By an older page of its documentation, Diyalog sends a static token in the header [`AUTH_TOKEN`]. If it does so for
//! you, require it, so that nobody else can try tokens. Several values can be live at once. To change the token without
//! an outage, first add the new one here, then have Diyalog send it, then remove the old one.
//!
//! ```
//! use http::Request;
//! use tower_verify::{
//!     BoxError, CallerSecret, ConfigError, VerifyLayer,
//!     diyalog::{AUTH_TOKEN, CustomerEndpoint, CustomerToken, CustomerVerdict},
//!     verifier_fn,
//! };
//!
//! let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
//!     let good = request.body().dlg_token == "2121sa"; // and the other two of the trio
//!     Ok::<_, BoxError>(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
//! });
//! let live = CallerSecret::new(AUTH_TOKEN, ["the-new-one", "the-one-until-now"])?;
//! let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier).path("/v1/checkauthtoken")?.caller_secret(live);
//! # Ok::<(), ConfigError>(())
//! ```
//!
//! A call without it, with another value, or with the header twice gets status 401 with a challenge; the verifier is
//! not called.
//!
//! # Security
//!
//! * Only [`CustomerVerdict::Validated`] and [`AgentVerdict::Validated`] become an answer that Diyalog reads as
//!   admitted. An error, a panic, a deadline, an overload and a malformed request are each answered, in the contract's
//!   words, as not verified.
//! * Diyalog does not sign its calls. Anybody who can reach the endpoint can try tokens. Make them too long to be
//!   guessed, require [the caller's secret](#the-callers-secret) if Diyalog sends one, and limit the attempts.
//! * Compare the whole trio. A good token of another customer or agent is `InvalidToken`. Do not return `ExpiredToken`
//!   or `InvalidDeviceId` for a token that you did not make.
//! * `deviceHash` is information for a log and proves nothing.
//!
//! # Deployment
//!
//! * **The agent's token is in the URL.** [`AgentEndpoint`] removes it from the request before the verifier is called,
//!   but everything in front of this layer sees it: the access log of a proxy or a load balancer, and the default span
//!   of tower-http's `TraceLayer`, which records the URI with its query. Log only the path, in every proxy on the way
//!   and in `TraceLayer`, with a `make_span_with` that records `uri().path()`. An extension that keeps the original
//!   URI, such as axum's `OriginalUri`, still has the query: do not log it in a verifier.
//! * The iframe's own address has the token as `dlgToken`: it is in the browser's history and may be in a `Referer`.
//!   Let tokens expire soon.
//! * Diyalog calls over the internet: serve the endpoints over HTTPS, and nothing else of the app on that host if you
//!   can.
//! * A refused token is answered with HTTP status 200 too. A dashboard that counts statuses does not show it.
//!
#![doc = include_str!("contract.md")]

mod agent;
mod answer;
#[cfg(feature = "conformance")]
pub mod conformance;
mod customer;
#[cfg(feature = "openapi")]
mod openapi;
#[cfg(feature = "token")]
mod stored_tokens;
#[cfg(feature = "token")]
mod tokens;

use http::HeaderName;

pub use self::{
    agent::{AgentEndpoint, AgentToken, AgentVerdict},
    customer::{CustomerEndpoint, CustomerToken, CustomerVerdict, Vocabulary},
};
#[cfg(feature = "token")]
pub use self::{stored_tokens::StoredTokens, tokens::Tokens};

/// The header `Auth-Token`, in which Diyalog sends a static token that proves who calls.
///
/// An older page of Diyalog's documentation describes it. It is for a [`CallerSecret`](crate::CallerSecret):
///
/// ```
/// use tower_verify::{CallerSecret, diyalog::AUTH_TOKEN};
///
/// let live = CallerSecret::new(AUTH_TOKEN, ["the-new-one", "the-one-until-now"])?; // for `VerifyLayer::caller_secret`
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
pub const AUTH_TOKEN: HeaderName = HeaderName::from_static("auth-token");
