//! Test kits: one for an endpoint, one for a server.
//!
//! [`EndpointTest`] drives any [`Endpoint`](crate::Endpoint) through every outcome and every protection. The stores
//! have a kit of their own: `store::conformance`.
//!
//! With the feature `conformance`, a `Suite` of `Check`s plays a platform against a server: yours in process, or one in
//! any language over HTTP. `diyalog::conformance`, `talkdesk::conformance` and `taptalk::conformance` have the suites of
//! the platforms, and `cargo run --example conformance` runs them from the command line.
#![cfg_attr(
    all(feature = "conformance", feature = "diyalog"),
    doc = r##"
```
use axum::Router;
use http::Request;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict, conformance::CustomerCalls},
    verifier_fn,
};

# futures::executor::block_on(async {
let bank = verifier_fn(|request: Request<CustomerToken>| async move {
    let trio = request.body();
    Ok::<_, BoxError>(match (trio.dlg_token == "2121sa", trio.device_id == "1234", trio.customer_no == "1234567") {
        (true, true, true) => CustomerVerdict::Validated,
        (true, false, true) => CustomerVerdict::InvalidDeviceId,
        _ => CustomerVerdict::InvalidToken,
    })
});
let app: Router = Router::new().layer(VerifyLayer::new(CustomerEndpoint::new(), bank)); // your own app

let report = CustomerCalls::new("1234", "2121sa", "1234567").suite().run(app).await;
report.assert_passed();
for finding in report.skipped() {
    println!("{}: {}", finding.name(), finding.skip_reason().unwrap_or_default());
}
# });
```

Over HTTP, give `Suite::run` a client. This one is hyper-util's, with a connection for each call: a server may close a
connection behind an answer to a body that it did not read.

```no_run
# use bytes::Bytes;
# use http_body_util::Full;
# use hyper_util::{client::legacy::Client, rt::TokioExecutor};
# use tower_verify::diyalog::conformance::CustomerCalls;
# async fn over_http() {
let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http::<Full<Bytes>>();
let suite = CustomerCalls::new("1234", "2121sa", "1234567").suite().base_url("http://127.0.0.1:3000");
suite.run(client).await.assert_passed();
# }
```
"##
)]

mod endpoint_test;

#[cfg(feature = "conformance")]
mod call;
#[cfg(feature = "conformance")]
mod expected;
#[cfg(feature = "conformance")]
mod junit;
#[cfg(feature = "conformance")]
mod report;
#[cfg(feature = "conformance")]
mod run;
#[cfg(feature = "conformance")]
mod shape;
#[cfg(feature = "conformance")]
mod suite;
#[cfg(feature = "conformance")]
pub mod traps;
#[cfg(feature = "conformance")]
mod values;
#[cfg(feature = "conformance")]
mod websocket;

pub use self::endpoint_test::EndpointTest;
#[cfg(feature = "conformance")]
pub use self::{
    call::Call,
    expected::Expected,
    report::{Finding, Report},
    suite::{Check, Suite},
};
