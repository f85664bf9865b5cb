//! Adding a platform: from its PDF, or its source, to an endpoint that the real program was seen to obey.
//!
//! The three built-in platforms use only what you can use: the traits [`Contract`](crate::Contract) and
//! [`Endpoint`](crate::Endpoint), and the helpers of [`wire`](crate::wire). An endpoint takes about 40 lines; the layer
//! adds the limits, the deadline, the panic guard and the observer.
//!
//! # Programs that are done
//!
//! `examples/platforms` has an endpoint for each of these, in a file to copy. `.ci/platforms` runs the real program
//! with it where Debian or PyPI has one: a good client is let in, and everybody is kept out while the verifier fails, panics,
//! is slow or is gone. "Out" means that the program keeps its client out.
//!
//! | program, file | reads as admitted | 401, 403 | 5xx | no answer | configure |
//! |---|---|---|---|---|---|
//! | RabbitMQ 3.10, `rabbitmq.rs` | 200 or 201 and `allow`; for a login, a body that begins with it | out | out | out after 15 s | `http_method = post`; no second `auth_backends` |
//! | Icecast 2.4, `icecast.rs` | the header `icecast-auth-user: 1`, at any status | out, without the header | out, without it | out after 15 s | both `listener_add` and `stream_auth`, in each mount |
//! | FreeRADIUS 3.2, `freeradius.rs` | any 2xx | out | out | out after `timeout` | `auth = 'basic'`; no `fail = 1` |
//! | container registry 2.8, `registry.rs` | a token with its signature, issuer, audience and access | no token | no token | no token | short tokens; sign what the user may, not what was asked |
//! | EMQX 5, `emqx.rs` | 204, or 200 in JSON with `"result": "allow"` | **asks the next** | **asks the next** | **asks the next** | `no_match = deny`; no `{allow, all}` |
//! | RMQTT, `rmqtt.rs` | any 2xx but `deny` and `ignore` | **asks the next** | **asks the next** | out, if `deny_if_error` | `["deny", "all"]` as the last rule |
//! | SFTPGo, `sftpgo.rs` | 200 with an account, or **200 with nothing** | out | out | out | `external_auth_scope` |
//! | MediaMTX, `mediamtx.rs` | any 2xx | out; 401 asks for a password | out | out after `readTimeout` | short `authHTTPExclude` |
//! | Kubernetes, `token_review.rs` | a 2xx with `"authenticated": true` | out | out, asked again | out, asked again | `webhook-version=v1`; a short cache |
//! | RFC 7662, Apache's `mod_auth_openidc`, `introspection.rs` | 200 with `"active": true` | out | out | out, but **a yes is kept until `exp`** | credentials of the caller; `OIDCOAuthTokenIntrospectionInterval -1` |
//! | nginx, `forward_auth.rs` | any 2xx | out, with that status | out, as 500 | out, as 500 | `auth_request_set` for the user's header |
//! | Caddy, Traefik, `forward_auth.rs` | any 2xx | out, with that status | out, with that status | out, as 502 or 500 | `copy_headers`, `authResponseHeaders` |
//! | Envoy over HTTP, `forward_auth.rs` | 200 alone | out, with that status | out, as 403 | out, as 403 | no `failure_mode_allow`: it lets in at a 5xx too |
//! | Envoy over gRPC, `envoy_grpc.rs` | a message with the code 0, **an empty one too** | out, with the message's status | out, the same | out, as 403 | no `failure_mode_allow` |
//!
//! # Questions to the PDF
//!
//! | question | goes into |
//! |---|---|
//! | Which method and path does it call? Is the path configured, and does it have a name in it? | [`Endpoint::route`](crate::Endpoint::route), [`wire::path`](crate::wire::path) |
//! | Where is the credential: body, form, query, header? Is it in a second place too? | [`Contract::decode`](crate::Contract::decode), with [`wire`](crate::wire) |
//! | Does one route have several questions: log in, publish, administer? What tells them apart? | an enum as the [`Credential`](crate::Credential) |
//! | Does the answer repeat something of the request, such as a version or an id? | [`Contract::Context`](crate::Contract::Context) |
//! | **What exactly does it read as admitted: a status, a word, a member, a header?** | [`Endpoint::admitted`](crate::Endpoint::admitted), and the function `admitted` of the test |
//! | Which rights does a positive answer carry: tags, groups, an account? | the [`Verdict`](crate::Verdict), which your verifier fills in |
//! | What does it read as denied, and has it a word for "no verdict"? | [`Contract::refused`](crate::Contract::refused) |
//! | **What does it do after a 401, a 5xx, or no answer: retry, log out, ask somebody else, let in?** | the status in `refused`, and the notes on configuration |
//! | Does its first call have no credential, and must the answer be a challenge? | [`Rejection::no_credential`](crate::Rejection::no_credential), [`unauthorized`](crate::wire::response::unauthorized) |
//! | How long does it wait, and how long does it keep an answer? | [`deadline`](crate::VerifyLayer::deadline): shorter than it waits |
//! | How does it prove that it is the caller? | [`CallerSecret`](crate::CallerSecret) for a secret in a header, [`CallerSignature`](crate::CallerSignature) for a signature |
//! | How large is a request? | [`body_limit`](crate::VerifyLayer::body_limit), 16 KiB by default |
//!
//! A PDF is often silent where it matters. Where there is a source, read how it treats an answer; it is one function.
//! Where there is a program, let it call a server that gives each of these answers, and write down which ones let in:
//! the right word with 201, 204, 302, 401 and 500; 200 with nothing, with HTML, with the word in another case and with
//! more behind it; a redirect to a page that answers 200. The rows of RabbitMQ, Icecast and FreeRADIUS were made so,
//! the others from sources and from what `.ci/platforms` drives.
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
//! one, with a server around it. To hand a good request on to your app, instead of answering it, implement
//! [`GuardContract`](crate::GuardContract). To have it in your app's OpenAPI document, implement
//! [`openapi::Described`](crate::openapi::Described): your own `decode` reads its samples. `examples/platforms/document.rs`
//! does that for forms, for HTTP's Basic, and for an endpoint with several paths.
//!
//! # Traps
//!
//! ## In answers
//!
//! * **"No verdict" is not "no" everywhere.** EMQX and RMQTT ask the next plugin after a 401 or a 5xx, and the last one
//!   may let in. There, each refusal is the plain denial, with 200. Where 5xx keeps out, 503 is better than a denial: a
//!   client is not logged out by a fault of yours.
//! * **Write `reads_as_admitted` as kindly as the most careless program reads.** The one above opens unless `open` is
//!   `false`. For EMQX it says `true` for everything but the exact denial.
//! * **Nothing may be a yes.** SFTPGo and RMQTT admit at 200 with an empty body; Icecast looks at no status at all. So
//!   the program must reach this endpoint and no page of your app: keep the path exact.
//! * **Redirects are followed** by RabbitMQ, MediaMTX, SFTPGo and RMQTT, and a login page answers 200.
//! * **A word may match as a prefix**: `allowed` is `allow` to RabbitMQ.
//! * **An answer can carry rights**: RabbitMQ's tags, EMQX's `is_superuser`, SFTPGo's account, Kubernetes' groups. They
//!   come from your verifier, and never from the request.
//! * **Never put text of the request into an answer**: it may be the word for admitted.
//!   [`Rejection`](crate::Rejection)s name a field and never a value; a number that is echoed is parsed first, as
//!   above.
//! * **Another version reads another way**: 200 with `"result": "deny"` is a denial to EMQX 5 and admits in EMQX 4. Say
//!   in the file for which version it is.
//! * **A 401 needs a challenge** (`WWW-Authenticate`; RFC 9110, section 15.5.2), and may make the platform log its user
//!   out: answer your own failures with 503, unless the contract says otherwise.
//!
//! ## In requests
//!
//! * **The route says what is asked, not the parameters that happen to be there.** RabbitMQ's login by certificate has
//!   a vhost and no password: read by its parameters, it is the question whether the user may enter the vhost.
//! * **A missing password is not an empty one.** SFTPGo sends `""` for a login by key, MediaMTX for a client that has
//!   not been asked yet.
//! * **Duplicate keys and parameters** are an attack where two parsers disagree. The readers in [`wire`](crate::wire)
//!   refuse them; `HashMap` and `serde_json::Value` keep the last one. Where the contract allows them, use
//!   [`wire::query::all`](crate::wire::query::all).
//! * **Credentials in headers and in the query** have to be *taken out* of the head, with
//!   [`wire::bearer`](crate::wire::bearer), [`wire::basic`](crate::wire::basic) and
//!   [`wire::query::take`](crate::wire::query::take): otherwise the verifier's logs show them. Icecast sends a
//!   listener's twice. `secrets` makes the test look for them.
//! * **Names in a path are percent-encoded**, and compared decoded: [`wire::path`](crate::wire::path).
//! * **A retry asks twice**: a credential for single use needs a time of grace.
//!
//! ## In the program's configuration, which your endpoint cannot mend
//!
//! * **A question that is not configured is not asked.** Icecast without `listener_add`, MediaMTX's `authHTTPExclude`,
//!   and FreeRADIUS without `auth = 'basic'` let in without a word to you.
//! * **A second source is asked when this one does not admit**, or when it fails: RabbitMQ's `internal`, EMQX's file,
//!   RMQTT's last rule, FreeRADIUS's `fail = 1`, Envoy's `failure_mode_allow`.
//! * **A yes is kept**: Apache's and Kubernetes' caches, a registry's token, SFTPGo's stored password. Somebody whom
//!   you lock out stays in for that long.
