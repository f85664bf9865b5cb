//! The Tower machinery: it answers one [`Endpoint`](crate::Endpoint) and lets every other request through. It knows no
//! platform.
//!
//! ```
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_verify::{BoxError, VerifyLayer, diyalog, verifier_fn};
//!
//! # futures::executor::block_on(async {
//! let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(String::from("the app"))) });
//! let verifier = verifier_fn(|_: Request<diyalog::CustomerToken>| async {
//!     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
//! });
//! let app = ServiceBuilder::new().layer(VerifyLayer::new(diyalog::Customer::new(), verifier)).service(app);
//!
//! let body = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//! let answer = app.oneshot(Request::post("/checkauthtoken").body(body.to_owned())?).await?;
//! assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```

mod body;
mod caller;
mod check;
mod future;
#[allow(clippy::module_inception, reason = "named after what it holds, as its neighbours are")]
mod layer;
mod protect;
mod read;
mod service;

pub use self::{
    body::ResponseBody,
    caller::CallerSecret,
    future::ResponseFuture,
    layer::VerifyLayer,
    service::{Verify, VerifyService},
};
pub(crate) use self::{
    check::Protections,
    protect::{Deadline, Protected},
    read::{Read, read},
};
