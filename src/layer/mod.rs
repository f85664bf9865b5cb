//! The Tower layers and services that put endpoints and guards around an app.
//!
//! [`VerifyLayer`] adds an [`Endpoint`](crate::Endpoint) to an app, [`Endpoints`] adds several, and [`GuardLayer`] guards
//! routes of the app. They know no platform.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{BoxError, VerifyLayer, diyalog, verifier_fn};
//!
//! # futures::executor::block_on(async {
//! let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("the app"))) });
//! let verifier = verifier_fn(|_: Request<diyalog::CustomerToken>| async {
//!     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
//! });
//! let app = ServiceBuilder::new().layer(VerifyLayer::new(diyalog::CustomerEndpoint::new(), verifier)).service(app);
//!
//! let body = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//! let answer = app.oneshot(Request::post("/checkauthtoken").body(body.to_owned())?).await?;
//! assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # Mounting
//!
//! [`VerifyLayer`] goes around a service that sees the partner's request as it arrived. The partner's path is one that
//! the app does not know, so that what matters is whether a host hands *unmatched* paths to its layers.
//!
//! | host | how | works |
//! |---|---|---|
//! | axum 0.8 | `router.layer(verify)`, after routes, merged routers and the fallback | yes, and goes before a route of the same path |
//! | | `.layer(verify)` and then `.fallback(..)` or `.merge(..)` | **no**: what is set later takes the unmatched paths |
//! | | `.route_layer(verify)` | **no**: it sees matched paths only |
//! | | a layer of a router inside `nest` | **no**; under the prefix, if that router has a fallback of its own, and only there |
//! | | `.route_service("/any/path", verify.into_service())` | yes, at any path that the router maps, inside `nest` too; another method gets `405` with `Allow` |
//! | | `axum::serve(listener, axum::ServiceExt::<axum::extract::Request>::into_make_service(verify.layer(router)))` | yes |
//! | | `axum::serve(listener, verify.layer(router))` | **no**, it does not compile: `axum::serve` takes a service of connections, which the row above makes |
//! | | `Router::new().fallback_service(verify.layer(router))` | yes |
//! | hyper 1 | `TowerToHyperService::new(verify.layer(service))` of hyper-util | yes, HTTP/1.1 and HTTP/2 |
//! | tonic 0.14 | `Server::builder().accept_http1(true).layer(verify).layer(map)` | yes, gRPC and partners on one port; `map` makes tonic's body a [`ResponseBody`]: see `examples/tonic.rs` |
//! | | without `accept_http1` | only for partners that speak HTTP/2; HTTP/1.1 is **not** accepted |
//! | lambda_http 1 | `lambda_http::run(verify.layer(service))` | yes, in the stage `$default` |
//! | | the same in a named stage | **not** at the documented path, as the stage's name stands before it: set `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`, or give the layer that path |
//! | tower | `ServiceBuilder::new().layer(verify).service(service)`, `ServiceExt::oneshot` | yes, around any service, boxed or not, whose response body is `From<Bytes>`; any other body becomes one by [`ResponseBody`] |
//!
//! Several endpoints are one layer: [`Endpoints`]. What stands outside of them applies to the partner's calls too: a
//! concurrency limit, a load shed, a timeout. What stands inside does not, except that the service is polled ready for
//! either kind of request before anybody knows which kind it is.

mod admission;
mod body;
mod conclusion;
mod endpoints;
mod future;
mod guard;
mod guard_future;
mod guard_layer;
mod guarded_body;
#[allow(clippy::module_inception, reason = "named after what it holds, as its neighbours are")]
mod layer;
mod protect;
mod read;
mod service;
mod settings;
mod watch;

use self::protect::Deadline;
pub use self::{
    body::ResponseBody,
    endpoints::{And, Endpoints},
    future::ResponseFuture,
    guard::Guard,
    guard_future::GuardFuture,
    guard_layer::{GuardContract, GuardLayer},
    guarded_body::GuardedBody,
    layer::VerifyLayer,
    service::{Verify, VerifyService},
};
