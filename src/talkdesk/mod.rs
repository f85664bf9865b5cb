//! Talkdesk's checks: of an activation ([`Validator`]), and of the calls that follow it ([`LaterCalls`]).
//!
//! A user activates an integration (Talkdesk calls yours a *bridge*) by filling in the fields that are configured for
//! it: a user name and a password, an API key, or the result of exchanging an OAuth 2.0 code. Talkdesk calls you:
//!
//! | when | with | you mount |
//! |---|---|---|
//! | a user activates the integration | `POST /auth`, `{"auth": {..}}`: the fields that were filled in | a [`VerifyLayer`](crate::VerifyLayer) of [`Validator`], which responds by itself |
//! | it synchronizes contacts or agents, asks for a contact's activity, executes an action | `POST` to a URL each, `{"auth": {..}, "meta": {..}, ..}`: the same fields, and every parameter that the grant returned | a [`GuardLayer`](crate::GuardLayer) of [`LaterCalls`], which lets verified calls through to your own routes |
//!
//! # Checking an activation
//!
//! You implement a [`Verifier`](crate::Verifier) of [`Credentials`]. It returns [`AuthVerdict::Granted`] with the
//! [`Parameters`] that Talkdesk stores and sends from then on, or [`AuthVerdict::Denied`]. An error means that there is
//! no verdict; it is never shown to Talkdesk.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{
//!     BoxError, Verifier, VerifyLayer,
//!     talkdesk::{AuthVerdict, Credentials, Parameters, Validator},
//! };
//!
//! struct Bridge;
//!
//! impl Verifier<Credentials> for Bridge {
//!     async fn verify(&self, request: Request<Credentials>) -> Result<AuthVerdict, BoxError> {
//!         let auth = request.body();
//!         let (Some(username), Some(password)) = (auth.text("username"), auth.text("password")) else {
//!             return Ok(AuthVerdict::Denied);
//!         };
//!         // Here you would call the external service. Return its errors with `?`.
//!         Ok(if *username == "john@example.com" && *password == "605b32dd" {
//!             AuthVerdict::Granted(Parameters::new().with("login_id", 12).with("token", "123456789"))
//!         } else {
//!             AuthVerdict::Denied
//!         })
//!     }
//! }
//!
//! # futures::executor::block_on(async {
//! let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app"))) });
//! let app = ServiceBuilder::new().layer(VerifyLayer::new(Validator::new(), Bridge)).service(app);
//!
//! let body = r#"{"auth": {"username": "john@example.com", "password": "605b32dd"}}"#;
//! let answer = app.oneshot(Request::post("/auth").body(body.to_owned())?).await?;
//! assert_eq!(answer.status(), 200);
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), r#"{"login_id":12,"token":"123456789"}"#);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! Talkdesk may repeat the call: treat it as idempotent. A malformed request does not reach the verifier.
//!
//! # Fields as a type of yours
//!
//! [`Validator::typed`] decodes `auth` into any type that implements serde's `Deserialize`. You then implement a
//! verifier of [`Auth<T>`]. The rules are the same, and a request that does not match the type is malformed.
//!
//! ```
//! use http::Request;
//! use serde::Deserialize;
//! use tower_verify::{
//!     BoxError, Secret, Verifier, VerifyLayer,
//!     talkdesk::{Auth, AuthVerdict, Parameters, Validator},
//! };
//!
//! #[derive(Deserialize)]
//! struct Login {
//!     api_key: Secret,
//!     region: Option<String>,
//! }
//!
//! struct Bridge {
//!     api_key: Secret,
//! }
//!
//! impl Verifier<Auth<Login>> for Bridge {
//!     async fn verify(&self, request: Request<Auth<Login>>) -> Result<AuthVerdict, BoxError> {
//!         let Auth(login) = request.into_body();
//!         if login.api_key != self.api_key {
//!             return Ok(AuthVerdict::Denied);
//!         }
//!         let region = login.region.unwrap_or_else(|| String::from("eu"));
//!         Ok(AuthVerdict::Granted(Parameters::new().with("region", region)))
//!     }
//! }
//!
//! let layer = VerifyLayer::new(Validator::typed::<Login>(), Bridge { api_key: "2f6a".into() });
//! ```
//!
//! # Guarding the later calls
//!
//! A [`GuardLayer`](crate::GuardLayer) of [`LaterCalls`] goes around the routes of your app that Talkdesk calls after
//! the activation. You implement a verifier of [`Call<P>`](Call). `P` is the principal, a type of yours that says whose
//! call it is; the routes find it in the request's extensions. The body reaches them byte for byte as it came.
//!
//! ```
//! use axum::{Extension, Json, Router, routing::post};
//! use http::Request;
//! use serde_json::{Value, json};
//! use tower::ServiceExt;
//! use tower_verify::{
//!     BoxError, GuardLayer, Verifier,
//!     talkdesk::{Call, CallVerdict, LaterCalls},
//! };
//!
//! #[derive(Clone)]
//! struct Account {
//!     login_id: i64,
//! }
//!
//! struct Bridge;
//!
//! impl Verifier<Call<Account>> for Bridge {
//!     async fn verify(&self, request: Request<Call<Account>>) -> Result<CallVerdict<Account>, BoxError> {
//!         let auth = &request.body().auth;
//!         Ok(match (auth.integer("login_id"), auth.text("token")) {
//!             (Some(login_id @ 12), Some(token)) if *token == "123456789" => CallVerdict::Verified(Account { login_id }),
//!             _ => CallVerdict::Denied,
//!         })
//!     }
//! }
//!
//! async fn contacts(Extension(account): Extension<Account>, Json(call): Json<Value>) -> Json<Value> {
//!     assert_eq!((account.login_id, &call["meta"]["offset"]), (12, &json!("0")));
//!     Json(json!({"contacts": [{"id": "77", "name": "Ada"}]}))
//! }
//!
//! # futures::executor::block_on(async {
//! let guarded: Router = Router::new().route("/contacts", post(contacts)).layer(GuardLayer::new(LaterCalls::new(), Bridge));
//! let app = Router::new().nest("/talkdesk", guarded);
//!
//! let call = |token| {
//!     let body = json!({"auth": {"username": "john", "login_id": 12, "token": token}, "meta": {"offset": "0"}});
//!     Request::post("/talkdesk/contacts").header("content-type", "application/json").body(body.to_string())
//! };
//! assert_eq!(app.clone().oneshot(call("123456789")?).await?.status(), 200);
//! assert_eq!(app.oneshot(call("987654321")?).await?.status(), 401);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # Security
//!
//! * Only [`AuthVerdict::Granted`] becomes a success of the validator, and only [`CallVerdict::Verified`] lets a call
//!   through the guard. A denial, an error, a panic, a deadline, an overload and a malformed request are each answered
//!   with a status of 400 or more.
//! * **Nothing in these calls proves that Talkdesk sends them**: no signature, no header, no list of addresses is
//!   documented. Anybody who can reach the endpoints can try credentials. Limit the attempts
//!   ([`Throttle`](crate::policy::Throttle)). If a proxy in front can tell who calls, let it add a secret header, and
//!   require that header with a [`CallerSecret`](crate::CallerSecret).
//! * **The parameters of a grant are a credential.** Talkdesk stores them and sends them with every call. Return a
//!   token that is made for this purpose and that you can revoke. Do not rely on a value that a caller can make up: a
//!   `login_id` alone proves nothing. Verify the token first, then compare the other fields with it.
//! * A field given twice in `auth`, or `auth` given twice in the body, is refused, because parsers disagree on which
//!   one counts. The guard reads the whole body before it lets anything through, so that a route never sees another
//!   `auth` than the one that was verified.
//! * A route that no guard wraps is open. Wrap a whole router, as above, rather than its routes one by one.
//!
//! # Deployment
//!
//! * Serve the endpoints over HTTPS only. The bodies contain passwords, so no proxy on the way may log them.
//! * A guarded body still contains `auth` when it reaches your routes: do not log it there either.
//! * For an `oauth2` integration, Talkdesk reacts to a `401` from a later call by refreshing the access token and
//!   repeating the call once. So the guard responds with `503` when there is no verdict; the validator responds with
//!   the documented `401`. Both can be set: for the [guard](LaterCalls::no_verdict_status) and the
//!   [validator](Validator::no_verdict_status).
//! * A guard holds the whole body of a call in memory, up to its limit of 1 MiB. Put other layers that limit or
//!   decompress bodies outside of it.
//! * The path of the validator is configured at Talkdesk, and need not be `/auth`: set yours with
//!   [`VerifyLayer::path`](crate::VerifyLayer::path).
//!
#![doc = include_str!("contract.md")]

mod call;
#[cfg(feature = "conformance")]
pub mod conformance;
mod credentials;
mod decode;
mod field;
mod later_calls;
#[cfg(feature = "openapi")]
mod openapi;
mod parameters;
mod refusal;
mod typed;
mod validator;

pub use self::{
    call::{Call, CallVerdict},
    credentials::Credentials,
    decode::Fields,
    field::FieldValue,
    later_calls::LaterCalls,
    parameters::Parameters,
    typed::Auth,
    validator::{AuthVerdict, Validator},
};
