//! Talkdesk's authorization: the check of an integration's credentials ([`Validator`]), and the guard in front of the
//! routes that it calls afterwards ([`LaterCalls`]).
//!
//! An integration (Talkdesk calls yours a *bridge*) is activated by a user who fills in the fields that it was configured
//! with: a user name and a password, an API key, or what an OAuth 2.0 code was exchanged for. Talkdesk calls you
//!
//! | when | with | in front of it |
//! |---|---|---|
//! | a user activates the integration | `POST /auth`, `{"auth": {..}}`: the fields that were filled in | [`Validator`], which answers by itself |
//! | it synchronizes contacts or agents, asks for a contact's activity, executes an action | `POST` to a URL each, `{"auth": {..}, "meta": {..}, ..}`: the same fields, and every parameter that the grant returned | a [`GuardLayer`](crate::GuardLayer) of [`LaterCalls`], which hands verified calls on to your own routes |
//!
//! # Checking an activation
//!
//! You implement a [`Verifier`](crate::Verifier) of [`Credentials`]. It answers with [`AuthVerdict::Granted`] and the
//! [`Parameters`] that Talkdesk is to store and to send from then on, or with [`AuthVerdict::Denied`]; an error says that
//! neither is known, and is never shown to Talkdesk.
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
//!         // Here you would ask the external service; `?` on its errors is right.
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
//! The call may be repeated: treat it as idempotent. A request that is not as documented does not reach the verifier.
//!
//! # Fields as a type of yours
//!
//! [`Validator::typed`] decodes `auth` into any type that implements serde's `Deserialize`; the verifier's credential is
//! then an [`Auth<T>`]. The rules are the same, and a request that does not match the type is malformed.
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
//! A [`GuardLayer`](crate::GuardLayer) of [`LaterCalls`] goes around the routes of your app that Talkdesk calls after the
//! activation. You implement a verifier of [`Call<P>`](Call). `P` is the principal, a type of yours that says whose call it
//! is; the routes find it in the request's extensions. The body reaches them byte for byte as it came.
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
//!     Json(json!({"contacts": [], "next_offset": null}))
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
//!   through the guard. A denial, an error, a panic, a deadline, an overload, a request that is not as documented: each is
//!   answered with a status of 400 or more.
//! * **Nothing in these calls proves that Talkdesk sends them**: no signature, no header, no list of addresses is
//!   documented. Whoever can reach the endpoints can try credentials. Limit the attempts
//!   ([`Throttle`](crate::policy::Throttle)), and if a proxy in front can tell who calls, have it add a header and require
//!   that by a [`CallerSecret`](crate::CallerSecret).
//! * **What a grant returns is a credential.** Talkdesk stores it and presents it with every call. Return a token made for
//!   this purpose that you can revoke, and never anything that the caller could have made up: `login_id` alone proves
//!   nothing, for it is sent by whoever calls. Verify the token first, then compare what belongs to it.
//! * A field that stands twice in `auth`, or `auth` twice in the body, is refused, since parsers disagree on which one
//!   counts. The guard reads the whole body before it lets anything through, so that a route never sees another `auth`
//!   than the one that was verified.
//! * A route that a guard does not wrap is open. Wrap a whole router, as above, rather than its routes one by one.
//!
//! # Deployment
//!
//! * Serve the endpoints over HTTPS alone. The bodies carry passwords, so no proxy on the way may log them.
//! * A guarded body still has `auth` in it when it reaches your routes: do not log it there either.
//! * To a `401` from a later call Talkdesk reacts, for an `oauth2` integration, by refreshing the access token and
//!   repeating the call once. So the guard responds with `503` when there is no verdict; the validator responds with the
//!   documented `401` all the same. Each can be [set](LaterCalls::no_verdict_status).
//! * A guard holds the whole body of a call in memory, up to its limit of 1 MiB. Other layers that limit or decompress
//!   bodies belong outside of it.
//! * The path of the validator is configured at Talkdesk, and yours need not be `/auth`: see [`VerifyLayer::path`](crate::VerifyLayer::path).
//!
#![doc = include_str!("contract.md")]

mod call;
mod credentials;
mod decode;
mod field;
mod later_calls;
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
