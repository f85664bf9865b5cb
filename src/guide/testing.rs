//! Testing your verifier and your app, failures included.
//!
//! # The verifier alone
//!
//! A verifier is called with a request whose body is the credential. Credentials have constructors for that. Time comes
//! from a [`ManualClock`](crate::ManualClock), so that no test waits.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use http::Request;
//! use tower_verify::{
//!     BoxError, ManualClock, Verifier,
//!     diyalog::{CustomerToken, CustomerVerdict, Tokens},
//!     token::KeyRing,
//! };
//!
//! # futures::executor::block_on(async {
//! let clock = ManualClock::new(SystemTime::now());
//! let tokens = Tokens::new("example.com", KeyRing::generate()?)?.clock(clock.clone());
//! let token = tokens.customer_token("1234567", "1234")?.token;
//! let ask = || tokens.verify(Request::new(CustomerToken::new("1234", token.clone(), "1234567")));
//!
//! assert_eq!(ask().await?, CustomerVerdict::Validated);
//! clock.advance(Duration::from_secs(300));
//! assert_eq!(ask().await?, CustomerVerdict::ExpiredToken);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! The stores, [`Throttle`](crate::policy::Throttle), [`Cached`](crate::policy::Cached) and
//! [`AuditLog`](crate::observe::AuditLog) take a clock as well. The layer's deadline is tokio's time: pause that one.
//!
//! # The app, with planted failures
//!
//! `ServiceExt::oneshot` sends one request through the whole app without a server. Plant what can go wrong, and assert
//! that the platform never reads it as admitted:
//!
//! ```
//! use std::{future::pending, time::Duration};
//!
//! use axum::{Router, body::Body};
//! use http::Request;
//! use tower::ServiceExt;
//! use tower_verify::{
//!     BoxError, Failure, SharedVerifier, VerifyLayer,
//!     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
//!     verifier_fn,
//! };
//!
//! fn app(verifier: SharedVerifier<CustomerToken>) -> Router {
//!     Router::new().layer(VerifyLayer::new(CustomerEndpoint::new(), verifier)) // your own app
//! }
//!
//! async fn answer(verifier: SharedVerifier<CustomerToken>) -> Result<String, BoxError> {
//!     let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//!     let answer = app(verifier).oneshot(Request::post("/checkauthtoken").body(Body::from(call))?).await?;
//!     assert!(answer.status() == 200 && answer.headers()["cache-control"] == "no-store");
//!     Ok(String::from_utf8(axum::body::to_bytes(answer.into_body(), 100).await?.into())?)
//! }
//!
//! type Asked = Request<CustomerToken>;
//! type Answer = Result<CustomerVerdict, BoxError>;
//! # std::panic::set_hook(Box::new(|_| {}));
//! # let mut runtime = tokio::runtime::Builder::new_current_thread();
//! # runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
//! // In a test: #[tokio::test(start_paused = true)]
//! let good = SharedVerifier::new(verifier_fn(|_: Asked| async { Answer::Ok(CustomerVerdict::Validated) }));
//! assert_eq!(answer(good).await?, "Validated");
//!
//! let away = SharedVerifier::new(verifier_fn(|_: Asked| async { Answer::Err("10.0.0.7: refused".into()) }));
//! let panics = SharedVerifier::new(verifier_fn(|_: Asked| async { panic!("a bug") as Answer }));
//! let hangs = SharedVerifier::new(verifier_fn(|_: Asked| pending::<Answer>()));
//! let throttled = SharedVerifier::new(verifier_fn(|_: Asked| async {
//!     Answer::Err(Failure::throttled(Duration::from_secs(60)).into())
//! }));
//! for failing in [away, panics, hangs, throttled] {
//!     assert_eq!(answer(failing).await?, "InternalError");
//! }
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! A store that is full is [`MemoryStore::max_entries(0)`](crate::store::MemoryStore::max_entries); one that is away is
//! a few lines that implement [`Store`](crate::store::Store) and return `StoreError::unavailable`.
//!
//! ```
//! use http::Request;
//! use tower_verify::{
//!     BoxError, Verifier,
//!     diyalog::{CustomerToken, CustomerVerdict},
//!     policy::Throttle,
//!     store::MemoryStore,
//!     verifier_fn,
//! };
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bank = verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
//! let full = MemoryStore::new().max_entries(0);
//! let throttled = Throttle::new(bank, full, [7; 32], |request: &Request<CustomerToken>| {
//!     Some(request.body().customer_no.expose_secret().to_owned())
//! });
//! let error = throttled.verify(Request::new(CustomerToken::new("1234", "2121sa", "1234567"))).await.unwrap_err();
//! assert_eq!(error.to_string(), "the store is full"); // no verdict: a good token is refused too
//! # });
//! ```
//!
//! # An endpoint of your own
//!
//! [`EndpointTest`](crate::conformance::EndpointTest) drives an endpoint through every outcome and every protection:
//! [`new_platform`](super::new_platform) has a whole one. See it fail once, with a fault that you plant. Here the
//! endpoint forgets that an error is no denial, and its platform admits at every 200:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Method, Request, Response, StatusCode, request::Parts};
//! use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, conformance::EndpointTest, wire};
//!
//! struct Token;
//!
//! impl Credential for Token {
//!     type Verdict = bool;
//! }
//!
//! struct Careless;
//!
//! impl Contract for Careless {
//!     type Credential = Token;
//!     type Context = ();
//!     const NAME: &'static str = "careless";
//!
//!     fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Token, Rejection> {
//!         head.headers.remove("token").map(|_| Token).ok_or(Rejection::no_credential("there is no `token`"))
//!     }
//!
//!     fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
//!         wire::response::empty(match outcome {
//!             Outcome::Failed(_) => StatusCode::OK, // the fault
//!             _ => StatusCode::FORBIDDEN,
//!         })
//!     }
//! }
//!
//! impl Endpoint for Careless {
//!     fn route(&self) -> Route {
//!         Route::from_static(Method::POST, "/check")
//!     }
//!
//!     fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
//!         wire::response::empty(StatusCode::OK)
//!     }
//! }
//!
//! let request = || Request::post("/check").header("token", "605b32dd").body(Bytes::new()).unwrap();
//! let test = EndpointTest::new(Careless, request, || vec![true, false], |response| response.status() == 200);
//! # let mut runtime = tokio::runtime::Builder::new_current_thread();
//! # runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
//! let violations = test.violations().await; // assert_conforms() in your tests
//! let expected = "response to error: the platform reads the response with status 200 OK as admitted";
//! assert!(violations.iter().any(|violation| violation == expected));
//! # });
//! ```
//!
//! # The platform's calls, against the whole server
//!
//! With the feature `conformance`, a `conformance::Suite` plays the platform: every documented call, good and bad, and
//! the ones that careless servers get wrong, such as a key that is given twice. It takes any Tower service, so that your
//! app in a test and an HTTP client are the same to it:
//!
//! ```no_run
//! # #[cfg(all(feature = "conformance", feature = "talkdesk"))]
//! # async fn test() {
//! # use axum::Router;
//! use tower_verify::talkdesk::conformance::{GuardedCalls, ValidatorCalls};
//!
//! # let app = Router::new();
//! let activation = ValidatorCalls::new([("username", "john@example.com"), ("password", "605b32dd")])
//!     .failing([("username", "outage@example.com"), ("password", "605b32dd")]);
//! activation.suite().run(app.clone()).await.assert_passed();
//!
//! let later = GuardedCalls::new("token", "123456789").field("login_id", 12).agents("/agent_sync");
//! later.suite().run(app).await.assert_passed();
//! # }
//! ```
//!
//! The upgrade to TapTalk's socket alone needs a connection: run `taptalk::conformance::SocketCalls` over HTTP.
//!
//! The builders take what only you know. A check that needs a value that is not given is skipped, and the report says
//! which one. A failure shows what was sent, with the names of secrets in their places, what came, and the row of the
//! contract.
//!
//! The same checks are a command, for a server in any language:
//!
//! ```console
//! $ cargo run --example conformance --features conformance -- talkdesk http://127.0.0.1:3000 \
//!       --field username=demo@example.com --field password=605b32dd
//! ✔ TD-10  the good fields
//! ✔ TD-8   the same call again
//! …
//! talkdesk.validator: 76 passed, 0 failed, 3 skipped
//! ```
//!
//! `--json` and `--junit` write the report for a CI system, and the exit code is 1 if a check failed. For a platform of your
//! own, `conformance::Suite` and `conformance::traps` are the parts.
//!
//! # The document
//!
//! [`openapi::OpenApi`](crate::openapi::OpenApi) makes an OpenAPI 3.1 document of the layers that you mount. Keep it in your
//! repository and compare it in a test: a change of an answer, a path or a caller's secret then shows in review. Tools read
//! it, too: `.ci/openapi` runs a validator and [schemathesis](https://schemathesis.readthedocs.io/) against the axum
//! example, with a hook that knows the law. Its settings are a start for yours: a platform that reads the body gets the
//! status 200 for every answer, and a tool has to be told.
//!
//! # A store of your own
//!
//! [`store::conformance::check`](crate::store::conformance::check) runs every operation, concurrent ones included,
//! against it. All stores of this crate pass it.
