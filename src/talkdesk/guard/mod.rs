//! The guard in front of the routes that Talkdesk calls after an activation: see [`GuardLayer`].
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{
//!     BoxError,
//!     talkdesk::{Call, CallVerdict, GuardLayer, guard::GuardedBody},
//!     verifier_fn,
//! };
//!
//! #[derive(Clone)]
//! struct Account(&'static str);
//!
//! # futures::executor::block_on(async {
//! let verifier = verifier_fn(|call: Request<Call<Account>>| async move {
//!     Ok::<_, BoxError>(match call.body().auth.text("api_key") {
//!         Some(api_key) if *api_key == "605b32dd" => CallVerdict::Verified(Account("john")),
//!         _ => CallVerdict::Denied,
//!     })
//! });
//! let agents = service_fn(|call: Request<GuardedBody>| async move {
//!     let Account(name) = call.extensions().get().cloned().ok_or("no call gets here without a principal")?;
//!     Ok::<_, BoxError>(Response::new(Full::<bytes::Bytes>::from(format!(r#"{{"agents": [], "for": "{name}"}}"#))))
//! });
//! let app = ServiceBuilder::new().layer(GuardLayer::new(verifier)).service(agents);
//!
//! let body = String::from(r#"{"auth": {"api_key": "605b32dd"}, "meta": {"offset": null}}"#);
//! let answer = app.clone().oneshot(Request::post("/agents").body(body)?).await?;
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), r#"{"agents": [], "for": "john"}"#);
//!
//! let answer = app.oneshot(Request::post("/agents").body(String::from("{}"))?).await?;
//! assert_eq!(answer.status(), 401);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```

mod body;
mod check;
mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use self::{body::GuardedBody, future::ResponseFuture, layer::GuardLayer, service::Guard};
