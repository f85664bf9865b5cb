//! TapTalk.io's tickets, from both sides: the server that issues and redeems them, and the backend that asks for them.
//!
//! A user logs in to *your* app. Your backend asks the ticket server for a ticket on the user's behalf and hands it to
//! the app. TapTalk's SDK in the app exchanges the ticket for an access token, sends that token with its later calls,
//! and refreshes it.
//!
//! | call | who calls | here |
//! |---|---|---|
//! | `POST /v1/server/auth_ticket/request` | a backend, with its server key | [`AuthTicketEndpoint`] |
//! | `POST /v1/auth/access_token/request` | an SDK, with a ticket and its app key | [`AccessTokenEndpoint`] |
//! | `POST /v1/auth/access_token/refresh` | an SDK, with a refresh token | [`RefreshEndpoint`] |
//! | `GET /connect?check=1` | an SDK, with an access token | [`ConnectEndpoint`] |
//! | `GET /connect`, the chat's socket | an SDK, with an access token | your app, behind a [`SocketGuard`] |
//! | `POST /v1/client/logout` | an SDK, with an access token and its app key | [`LogoutEndpoint`] |
//! | `POST /v1/client/project_configs` | an SDK, with its app key | [`ProjectConfigsEndpoint`] |
//! | `POST /v1/server/user/update` | a backend, with its server key | [`UserUpdateEndpoint`] |
//! | `POST /taptalk/auth_ticket` | your app, for its user | [`AppTicketEndpoint`], which asks TapTalk through a [`Client`] |
//!
//! All but the last one make up a ticket server. [`TicketOffice`] is a ready-made verifier for all of them; you can
//! also write your own. The last one is for a backend whose ticket server is TapTalk's.
//!
#![cfg_attr(feature = "token", doc = "```")]
#![cfg_attr(not(feature = "token"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{
//!     BoxError, Endpoints, VerifyLayer,
//!     store::MemoryStore,
//!     taptalk::{
//!         AccessTokenEndpoint, ApiKey, ApiKeys, AuthTicketEndpoint, ConnectEndpoint, RefreshEndpoint, TicketOffice,
//!     },
//!     token::KeyRing,
//! };
//!
//! # futures::executor::block_on(async {
//! let office = TicketOffice::new("example", MemoryStore::new(), KeyRing::generate()?)?
//!     .server_keys(ApiKeys::new([ApiKey::new("backend", "s3cr3t")])?)
//!     .app_keys(ApiKeys::new([ApiKey::new("android", "pl41n")])?);
//! let app = service_fn(|_: Request<String>| async {
//!     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app")))
//! });
//! let endpoints = Endpoints::new()
//!     .with(VerifyLayer::new(AuthTicketEndpoint::new(), office.clone()))?
//!     .with(VerifyLayer::new(AccessTokenEndpoint::new(), office.clone()))?
//!     .with(VerifyLayer::new(RefreshEndpoint::new(), office.clone()))?
//!     .with(VerifyLayer::new(ConnectEndpoint::new(), office))?;
//! let app = ServiceBuilder::new().layer(endpoints).service(app);
//!
//! let request = Request::post("/v1/server/auth_ticket/request")
//!     .header("Server-Key", "YmFja2VuZDpzM2NyM3Q=") // base64 of backend:s3cr3t
//!     .body(String::from(r#"{"userPlatform": "ios", "userIPAddress": "203.0.113.7", "userAgent": "Example/1"}"#))?;
//! let answer = app.oneshot(request).await?;
//! assert_eq!(answer.status(), 200);
//! assert_eq!(
//!     answer.into_body().collect().await?.to_bytes(),
//!     r#"{"status":400,"error":{"code":"40002","message":"Param 'userDeviceID' is required","field":"104"},"data":{}}"#
//! );
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # The envelope
//!
//! Every response is one JSON object with `status`, `error` and `data`. The HTTP status is 200 and the real status is
//! in `status`, because the web SDK calls no callback on HTTP 401. There are two exceptions:
//!
//! * A refresh without a verdict has HTTP status 503, because the web SDK would end the session on an error in a 200.
//!   Each endpoint's [`no_verdict_status`](RefreshEndpoint::no_verdict_status) sets this.
//! * A [`SocketGuard`] sends the real status as HTTP status. For clients of your own, the endpoints do so too with
//!   [`mirror_status`](AuthTicketEndpoint::mirror_status). A 401 then has a challenge.
//!
//! Only a positive verdict has `status` 200. Everything else has an `error.code`, whose first three digits are the
//! status:
//!
//! | code | when |
//! |---|---|
//! | `40001` | `Server-Key` is missing or empty |
//! | `40002` | a parameter is wrong (`error.field` is its number), or the body is not a JSON object, or is too large |
//! | `40101` | `Authorization` is missing or empty |
//! | `40102` | `Authorization` is sent twice, or is not `Bearer` and a token |
//! | `40103` | the ticket or token is unknown, used or revoked |
//! | `40104` | the ticket or token has expired |
//! | `40105` | the token is good, but belongs to another app key or another device |
//! | `40106` | the token is good, but its user no longer exists |
//! | `49101` | `App-Key` is missing or empty |
//! | `49102` | the key is malformed, or is sent twice |
//! | `49103` | the key is unknown |
//! | `49104` | the key is not for the platform in `Device-Platform` |
//! | `49106` | the key has expired |
//! | `49201` | the key is not enabled |
//! | `49202` | the key's app, project or customer is suspended |
//! | `49203` | the key's app, project or customer no longer exists |
//! | `42901` | too many failed attempts: a verifier's [`Failure::throttled`](crate::Failure::throttled) |
//! | `50001` | there is no verdict |
//!
//! # Security
//!
//! * Only a positive verdict becomes a response with `status` 200, and only [`TicketVerdict::Issued`] and
//!   [`TokenVerdict::Issued`] carry a ticket or a token. No response repeats a value that was sent.
//! * The endpoints take keys, tickets and tokens out of the request's headers before they ask the verifier, so that a
//!   log of the request does not show them.
//! * An unknown key id and a wrong secret get the same response. In a [`TicketOffice`] they also take the same time. In
//!   a verifier of your own, compare the secrets as [`Secret`](crate::Secret)s, and compare one for an unknown id too.
//! * A server key can log in anybody: keep it in the backend, never in an app. An app key is in every copy of the app
//!   and proves little.
//! * `userIPAddress` and the other parameters are what the backend sends. They are not verified.
//! * A ticket logs its bearer in as the user, for an hour and one exchange. Hand it to the app over HTTPS only, and do
//!   not log it.
//! * Anyone who can reach the endpoints can guess keys. Use long random secrets, and limit the attempts.
//!
//! # Deployment
//!
//! * TapTalk's own server has its paths under `/api`, and the SDKs are configured with a base URL. Serve the paths
//!   below the base URL that you give them: see [`VerifyLayer::path`](crate::VerifyLayer::path).
//! * Backends and SDKs call from different networks. If you can, serve [`AuthTicketEndpoint`] where only backends can
//!   reach it.
//! * The chat's socket has the same path as [`ConnectEndpoint`], which handles the check only. Put a [`SocketGuard`] in
//!   front of the socket.
//! * Several nodes must share one store and one key ring: see [`TicketOffice`].
//! * Nearly every response has HTTP status 200. A dashboard that counts HTTP statuses does not show refusals.
//!
//! # CORS
//!
//! The web SDK calls from the origin of your web app with custom headers, so the browser sends a preflight `OPTIONS`
//! request first. The endpoints do not answer preflights; these pass through to the app. Put tower-http's `CorsLayer`
//! outside of the endpoints: it then answers the preflight and also adds its headers to the endpoints' responses.
//!
//! The layer must allow the methods `GET` and `POST`, the origins of your web apps, and the headers `Authorization`,
//! `App-Key`, `Content-Type`, `App-Identifier`, `Device-Identifier`, `Device-Model`, `Device-OS-Version`,
//! `Device-Platform`, `SDK-Version` and `User-Agent`. No cookies are involved, so do not allow credentials. Backends
//! need no CORS: leave [`AuthTicketEndpoint`] outside of the layer.
//!
//! ```
//! use bytes::Bytes;
//! use http::{
//!     HeaderName, HeaderValue, Method, Request, Response,
//!     header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
//! };
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_http::cors::CorsLayer;
//! use tower_verify::{
//!     BoxError, VerifyLayer,
//!     taptalk::{AccessCheck, AccessVerdict, ConnectEndpoint},
//!     verifier_fn,
//! };
//!
//! # futures::executor::block_on(async {
//! let app = service_fn(|_: Request<String>| async {
//!     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app")))
//! });
//! let verifier = verifier_fn(|_: Request<AccessCheck>| async { Ok::<_, BoxError>(AccessVerdict::Invalid) });
//! let own = [
//!     "app-key",
//!     "app-identifier",
//!     "device-identifier",
//!     "device-model",
//!     "device-os-version",
//!     "device-platform",
//!     "sdk-version",
//! ];
//! let own = own.map(HeaderName::from_static);
//! let cors = CorsLayer::new()
//!     .allow_origin(HeaderValue::from_static("https://chat.example.com"))
//!     .allow_methods([Method::GET, Method::POST])
//!     .allow_headers([&own[..], &[AUTHORIZATION, CONTENT_TYPE, USER_AGENT]].concat());
//! let app = ServiceBuilder::new().layer(cors).layer(VerifyLayer::new(ConnectEndpoint::new(), verifier)).service(app);
//!
//! let preflight = Request::options("/connect?check=1")
//!     .header("Origin", "https://chat.example.com")
//!     .header("Access-Control-Request-Method", "GET")
//!     .header("Access-Control-Request-Headers", "app-key,authorization");
//! let answer = app.clone().oneshot(preflight.body(String::new())?).await?;
//! assert_eq!(answer.headers()["access-control-allow-origin"], "https://chat.example.com");
//! let check = Request::get("/connect?check=1").header("Origin", "https://chat.example.com");
//! let answer = app.oneshot(check.body(String::new())?).await?;
//! assert_eq!(answer.headers()["access-control-allow-origin"], "https://chat.example.com");
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
#![doc = include_str!("contract.md")]

mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "openapi")]
mod openapi;
mod server;
mod wire;

#[cfg(feature = "https-client")]
pub use self::client::https::HttpsClient;
#[cfg(feature = "token")]
pub use self::server::office::{ApiKeys, KnownKey, TicketOffice};
pub use self::{
    client::{
        app_device::{AppCaller, AppDevice, AppTicketRequest, AppTicketVerdict},
        app_ticket::AppTicketEndpoint,
        app_ticket_issuer::AppTicketIssuer,
        error::{ClientError, ClientErrorKind},
        http::Client,
    },
    server::{
        access_token::{AccessTokenEndpoint, TicketExchange},
        auth_ticket::{AuthTicketEndpoint, Ticket, TicketRequest, TicketVerdict},
        connect::{AccessCheck, AccessVerdict, ConnectEndpoint},
        logout::{Logout, LogoutEndpoint},
        project_configs::{ConfigsRequest, ConfigsVerdict, ProjectConfigsEndpoint},
        refresh::{RefreshEndpoint, TokenRefresh},
        socket::{SocketGuard, SocketRequest, SocketVerdict},
        user_update::{UserUpdate, UserUpdateEndpoint, UserVerdict},
    },
    wire::{
        api_key::{ApiKey, KeyRefusal},
        device::Device,
        envelope::ApiError,
        profile::{Profile, UserPlatform},
        ticket_parameters::TicketParameters,
        tokens::{TokenPair, TokenVerdict, User},
    },
};
