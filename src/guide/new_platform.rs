//! Adding a platform: from its PDF to a conformance test.
//!
//! The three built-in platforms use only what you can use: the traits [`Contract`](crate::Contract) and
//! [`Endpoint`](crate::Endpoint), and the helpers of [`wire`](crate::wire). An endpoint takes about 40 lines; the layer
//! adds the limits, the deadline, the panic guard and the observer.
//!
//! # Read the PDF with these questions
//!
//! | question | goes into |
//! |---|---|
//! | Which method and path does it call? | [`Endpoint::route`](crate::Endpoint::route) |
//! | Where is the credential: body, form, query, header? What does it send besides? | [`Contract::decode`](crate::Contract::decode), with [`wire`](crate::wire) |
//! | Does the answer repeat something of the request, such as a version or an id? | [`Contract::Context`](crate::Contract::Context) |
//! | **What exactly does it read as admitted: a status, a word, a member?** | [`Endpoint::admitted`](crate::Endpoint::admitted), and the function `admitted` of the test |
//! | What does it read as denied, and has it a word for "no verdict"? | [`Contract::refused`](crate::Contract::refused) |
//! | What does it do after a 401, a 5xx, or no answer: retry, log out, let in? | the status in `refused`; ask the vendor if the PDF is silent |
//! | How long does it wait? | [`deadline`](crate::VerifyLayer::deadline): shorter than that |
//! | How does it prove that it is the caller? | [`CallerSecret`](crate::CallerSecret) for a secret in a header, [`CallerSignature`](crate::CallerSignature) for a signature |
//! | How large is a request? | [`body_limit`](crate::VerifyLayer::body_limit), 16 KiB by default |
//!
//! # The endpoint
//!
//! A lock sends `POST /v2/unlock` with a form (`badge`, `pin`) and a request number in a header, which the answer must
//! repeat. It opens at `"open": true`, and shows `reason` on its display.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Method, Request, Response, StatusCode, request::Parts};
//! use serde_json::json;
//! use tower_verify::{
//!     Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, Verdict, conformance::EndpointTest, wire,
//! };
//!
//! /// What is checked.
//! struct Badge {
//!     badge: Secret,
//!     pin: Secret,
//! }
//!
//! /// The platform's words for the answer. The names go into logs and metrics.
//! enum Unlock {
//!     Open,
//!     UnknownBadge,
//!     WrongPin,
//! }
//!
//! impl Verdict for Unlock {
//!     fn admits(&self) -> bool {
//!         matches!(self, Self::Open)
//!     }
//!
//!     fn name(&self) -> &'static str {
//!         match self {
//!             Self::Open => "open",
//!             Self::UnknownBadge => "unknown_badge",
//!             Self::WrongPin => "wrong_pin",
//!         }
//!     }
//! }
//!
//! impl Credential for Badge {
//!     type Verdict = Unlock;
//! }
//!
//! struct Lock;
//!
//! fn answer(status: StatusCode, number: Option<u32>, open: bool, reason: &str) -> Response<Bytes> {
//!     wire::response::json(status, &json!({"number": number, "open": open, "reason": reason}))
//! }
//!
//! impl Contract for Lock {
//!     type Credential = Badge;
//!     type Context = Option<u32>; // the number, if the request got as far as that
//!     const NAME: &'static str = "lock";
//!
//!     fn decode(&self, head: &mut Parts, body: Bytes, number: &mut Option<u32>) -> Result<Badge, Rejection> {
//!         *number = head.headers.get("lock-request").and_then(|number| number.to_str().ok()?.parse().ok());
//!         let form = wire::text(body)?;
//!         let [badge, pin] = wire::query::secrets(&form, &["badge", "pin"])?;
//!         let badge = badge.ok_or(Rejection::malformed("`badge` is missing").with_field("badge"))?;
//!         let pin = pin.ok_or(Rejection::malformed("`pin` is missing").with_field("pin"))?;
//!         Ok(Badge { badge, pin })
//!     }
//!
//!     fn refused(&self, outcome: Outcome<Unlock>, number: Option<u32>) -> Response<Bytes> {
//!         match outcome {
//!             Outcome::Verdict(Unlock::WrongPin) => answer(StatusCode::OK, number, false, "wrong PIN"),
//!             Outcome::Verdict(_) => answer(StatusCode::OK, number, false, "unknown badge"),
//!             Outcome::Rejected(rejection) => answer(StatusCode::BAD_REQUEST, number, false, rejection.detail()),
//!             _ => answer(StatusCode::SERVICE_UNAVAILABLE, number, false, "try again"),
//!         }
//!     }
//! }
//!
//! impl Endpoint for Lock {
//!     fn route(&self) -> Route {
//!         Route::from_static(Method::POST, "/v2/unlock")
//!     }
//!
//!     fn admitted(&self, _: Unlock, number: Option<u32>) -> Response<Bytes> {
//!         answer(StatusCode::OK, number, true, "")
//!     }
//! }
//!
//! // The test: a request that is fit to be verified, every verdict, and the platform's way to read an answer.
//! fn reads_as_admitted(response: &Response<Bytes>) -> bool {
//!     serde_json::from_slice::<serde_json::Value>(response.body()).is_ok_and(|answer| answer["open"] != false)
//! }
//! let request = || {
//!     let request = Request::post("/v2/unlock").header("lock-request", "7");
//!     request.body(Bytes::from("badge=4711&pin=605b32dd")).unwrap()
//! };
//! let verdicts = || vec![Unlock::Open, Unlock::UnknownBadge, Unlock::WrongPin];
//! let test = EndpointTest::new(Lock, request, verdicts, reads_as_admitted).secrets(["4711", "605b32dd"]);
//! # let mut runtime = tokio::runtime::Builder::new_current_thread();
//! # runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
//! test.assert_conforms().await; // in a test: #[tokio::test(start_paused = true)]
//! # });
//!
//! // The numbers and words of the PDF are tests of your own.
//! let response = Outcome::Verdict(Unlock::Open).respond(&Lock, Some(7));
//! assert_eq!(response.body(), r#"{"number":7,"open":true,"reason":""}"#);
//! ```
//!
//! Then mount it as any other endpoint: `VerifyLayer::new(Lock, verifier)`. `examples/custom_endpoint.rs` is another
//! one, with a server around it; `examples/platforms` has RabbitMQ, FreeRADIUS and Kubernetes. To hand a good request on to
//! your app, instead of answering it, implement [`GuardContract`](crate::GuardContract).
//!
//! # Traps
//!
//! * **Write `reads_as_admitted` as kindly as a careless platform reads.** The one above opens unless `open` is
//!   `false`: a missing member opens too, as in many a client.
//! * **A platform that reads the status alone** may admit at every 2xx. Its denials and failures must be 4xx or 5xx,
//!   and so must every answer of your app at that path, with this layer or without it.
//! * **A platform that reads the body alone** may find the word for admitted inside of another word, or in an HTML
//!   error page.
//! * **Never put text of the request into an answer**: it may be the word for admitted.
//!   [`Rejection`](crate::Rejection)s name a field and never a value; a number that is echoed is parsed first, as
//!   above.
//! * **Duplicate keys and parameters** are an attack where two parsers disagree. The readers in [`wire`](crate::wire)
//!   refuse them; `HashMap` and `serde_json::Value` keep the last one.
//! * **Credentials in headers and in the query** have to be *taken out* of the head, with
//!   [`wire::bearer`](crate::wire::bearer), [`wire::basic`](crate::wire::basic) and
//!   [`wire::query::take`](crate::wire::query::take): otherwise the verifier's logs show them. `secrets` makes the test
//!   look for them.
//! * **A 401 needs a challenge** (`WWW-Authenticate`; RFC 9110, section 15.5.2), and may make the platform log its user
//!   out: answer your own failures with 503, unless the contract says otherwise.
//! * **A retry asks twice**: a credential for single use needs a time of grace.
