//! The Tower layers and services that put endpoints and guards around an app.
//!
//! [`VerifyLayer`] adds an [`Endpoint`](crate::Endpoint) to an app, [`Endpoints`] adds several, and [`GuardLayer`]
//! guards routes of the app. They know no platform.
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
//! Put [`VerifyLayer`] around a service that gets the partner's requests as they arrived. The app has no route for the
//! partner's path. So the host must call its layers for *unmatched* paths too.
//!
//! | host | how | works |
//! |---|---|---|
//! | axum 0.8 | `router.layer(verify)`, after routes, merged routers and the fallback | yes, and it takes precedence over a route of the same path |
//! | | `.layer(verify)` and then `.fallback(..)` or `.merge(..)` | **no**: the fallback or router that is added later takes the unmatched paths |
//! | | `.route_layer(verify)` | **no**: it sees matched paths only |
//! | | a layer of a router inside `nest` | **no**, except under the prefix if that router has a fallback of its own |
//! | | `.route_service("/any/path", verify.into_service())` | yes, at any path that the router maps, inside `nest` too; another method gets `405` with `Allow` |
//! | | `axum::serve(listener, axum::ServiceExt::<axum::extract::Request>::into_make_service(verify.layer(router)))` | yes |
//! | | `axum::serve(listener, verify.layer(router))` | **no**, it does not compile: `axum::serve` takes a service of connections, which the row above makes |
//! | | `Router::new().fallback_service(verify.layer(router))` | yes |
//! | hyper 1 | `TowerToHyperService::new(verify.layer(service))` of hyper-util | yes, HTTP/1.1 and HTTP/2 |
//! | tonic 0.14 | `Server::builder().accept_http1(true).layer(verify).layer(map)` | yes, gRPC and partners on one port; `map` makes tonic's body a [`ResponseBody`]: see `examples/tonic.rs` |
//! | | without `accept_http1` | only for partners that speak HTTP/2; HTTP/1.1 is **not** accepted |
//! | lambda_http 1 | `lambda_http::run(verify.layer(service))` | yes, in the stage `$default` |
//! | | the same in a named stage | **not** at the documented path, because the path begins with the stage's name: set `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`, or give the layer that path |
//! | tower | `ServiceBuilder::new().layer(verify).service(service)`, `ServiceExt::oneshot` | yes, around any service, boxed or not, whose response body is `From<Bytes>`; for any other body, see [`ResponseBody`] |
//!
//! For several endpoints, use one layer: [`Endpoints`]. Layers outside of it, such as a concurrency limit, a load shed
//! or a timeout, apply to the partner's calls too. Layers inside of it do not, with one exception: the inner service is
//! polled ready before the request is there, so it must be ready for the partner's calls too.

mod admission;
mod body;
mod conclusion;
#[cfg(feature = "openapi")]
pub(crate) mod described;
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
mod routes;
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
