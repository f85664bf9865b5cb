//! Tower middleware that answers a partner platform's credential checks.
//!
//! A partner platform says: *expose an HTTP endpoint, we will call it to check a credential.* This crate answers such
//! calls inside the app that you already run. A Tower layer takes the documented routes and asks your [`Verifier`].
//! Every other request passes through unchanged.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{
//!     BoxError, Verifier, VerifyLayer,
//!     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
//! };
//!
//! struct Bank;
//!
//! impl Verifier<CustomerToken> for Bank {
//!     async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!         let trio = request.into_body(); // ask your database; `?` on its errors is right
//!         let good = trio.dlg_token == "2121sa" && trio.device_id == "1234" && trio.customer_no == "1234567";
//!         Ok(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), BoxError> {
//!     let app = service_fn(|_: Request<String>| async {
//!         Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app")))
//!     });
//!     let app = ServiceBuilder::new().layer(VerifyLayer::new(CustomerEndpoint::new(), Bank)).service(app);
//!
//!     let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//!     let response = app.clone().oneshot(Request::post("/checkauthtoken").body(call.to_owned())?).await?;
//!     assert_eq!(response.into_body().collect().await?.to_bytes(), "Validated");
//!
//!     let response = app.oneshot(Request::get("/").body(String::new())?).await?;
//!     assert_eq!(response.into_body().collect().await?.to_bytes(), "the app");
//!     Ok(())
//! }
//! ```
//!
//! Beside this crate it uses `bytes`, `http`, `http-body-util`, `tokio` with the features `macros` and
//! `rt-multi-thread`, and `tower` with the feature `util`.
//!
//! # The platforms
//!
//! [`talkdesk`], [`diyalog`] and [`taptalk`] have a module each, which says what is called when, and with what. For
//! another platform you write an [`Endpoint`] of your own, in about 40 lines: see [`guide::new_platform`]. It lists
//! programs that are done, to copy from: RabbitMQ, Icecast, FreeRADIUS, container registries, MQTT brokers, proxies and
//! more.
//!
//! The [`guide`] leads from a partner's document to an endpoint in production: mounting, verifiers, several nodes,
//! tests, observing.
//!
//! # The law
//!
//! Only a positive [`Verdict`] becomes a response that a platform reads as "admitted". Everything else is answered as
//! not admitted, in the platform's own vocabulary: a negative verdict, a malformed request, an error, a panic, a passed
//! deadline, an overload, an unavailable store. An endpoint has one function for the response to a positive verdict and
//! another one for every other [`Outcome`]. The layer decides which one runs.
//!
//! # Mounting
//!
//! Put the layer around the whole app, after its routes: `app.layer(VerifyLayer::new(endpoint, verifier))`. See
//! [`layer`](layer#mounting) for each host, and for what does not work.
//!
//! # State
//!
//! A check needs no state of this crate. Minting tokens and tickets does. [`token`] signs them, so that nodes share
//! nothing but a key ring. A [`store`] keeps what is counted or used once: in memory, in Redis or in PostgreSQL.
//! [`policy`] has verifiers that wrap a verifier.
//!
//! # Observing
//!
//! A platform learns little about what went wrong, and an access log may show 200 for every call. An
//! [observer](observe) sees the outcome of each call: for logs, metrics or an audit.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `talkdesk`, `diyalog`, `taptalk` | yes | one platform each: [`talkdesk`], [`diyalog`], [`taptalk`] |
//! | `deadline` | yes | the deadline over reading and verifying, on tokio's timer |
//! | `policy` | yes | the throttle of failed attempts and the cache of verdicts: [`policy::Throttle`], [`policy::Cached`] |
//! | `token` | yes | [`token`] and what is built on it: [`diyalog::Tokens`], [`taptalk::TicketOffice`] |
//! | `signature` | yes | callers that sign their requests: [`CallerSignature`] |
//! | `tracing` | yes | logs of each call, and a span around the verifier: [`observe::TracingObserver`], [`observe::request_span`] |
//! | `metrics` | yes | counts and times of calls, stores, caches and keys: [`observe::MetricsObserver`] and its neighbours |
//! | `openapi` | yes | a document of the mounted endpoints: [`openapi::OpenApi`] |
//! | `store` | with `token` | [`store`]: the trait and [`store::MemoryStore`] |
//! | `redis` | | `store::RedisStore`: one server, Sentinel or Cluster; `redis-tls` for `rediss://` |
//! | `postgres` | | `store::PostgresStore` |
//! | `https-client` | | `taptalk::HttpsClient`, a ready-made HTTPS client for [`taptalk::Client`] |
//! | `conformance` | | `conformance::Suite`: plays a platform against any server, for tests |

#![cfg_attr(docsrs, feature(doc_cfg))]
// The docs link to items of these features. Without one of them, its links have no target.
#![cfg_attr(
    not(all(
        feature = "conformance",
        feature = "deadline",
        feature = "diyalog",
        feature = "https-client",
        feature = "metrics",
        feature = "openapi",
        feature = "policy",
        feature = "postgres",
        feature = "redis",
        feature = "signature",
        feature = "talkdesk",
        feature = "taptalk",
        feature = "tracing",
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

pub mod caller;
mod clock;
mod config_error;
pub mod conformance;
mod endpoint;
#[cfg(test)]
mod exhaustive;
pub mod guide;
pub mod layer;
pub mod observe;
#[cfg(feature = "openapi")]
pub mod openapi;
mod outcome;
pub mod policy;
mod route;
mod secret;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "token")]
pub mod token;
mod verifier;
pub mod wire;

#[cfg(feature = "diyalog")]
pub mod diyalog;
#[cfg(feature = "talkdesk")]
pub mod talkdesk;
#[cfg(feature = "taptalk")]
pub mod taptalk;

#[doc(inline)]
pub use crate::{
    caller::{CallerCheck, CallerSecret, ClientAddr, PeerAddr},
    clock::{Clock, ManualClock, SystemClock, unix_millis},
    config_error::ConfigError,
    endpoint::{Contract, Endpoint},
    layer::{Endpoints, Guard, GuardContract, GuardLayer, Verify, VerifyLayer, VerifyService},
    outcome::{Failure, FailureKind, Outcome, Rejection, RejectionKind},
    route::{RequestHead, Route},
    secret::Secret,
    verifier::{BoxError, Credential, SharedVerifier, Verdict, Verifier, verifier_fn},
};

#[cfg(feature = "signature")]
#[doc(inline)]
pub use crate::caller::CallerSignature;

/// The README's snippets are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
