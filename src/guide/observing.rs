//! Observing: logs, metrics, an audit, and alerts.
//!
//! A platform is told as little as its contract allows, and some get the status 200 whatever happens. So an access log
//! does not show an outage, and a dashboard of statuses stays green. An [`Observer`](crate::observe::Observer) sees
//! each call when it ends: its outcome, its times, the verdict's name or the verifier's error, and never a credential.
//!
//! | observer | what it does |
//! |---|---|
//! | a closure `Fn(&Event)` | whatever you want |
//! | [`TracingObserver`](crate::observe::TracingObserver) | logs each call with `tracing`: failures as errors, throttled calls as warnings, denials as information; the verifier's own spans are inside of its span |
//! | [`MetricsObserver`](crate::observe::MetricsObserver) | counts and times calls with `metrics`; [`MeteredStore`](crate::observe::MeteredStore), [`count_lookups`](crate::observe::count_lookups) and [`record_keys`](crate::observe::record_keys) do so for stores, caches and key rings |
//! | [`AuditLog`](crate::observe::AuditLog) | writes who was let in and who was kept out, as lines of JSON in which people and addresses are keyed MACs |
//!
//! Every field, metric and label is in [the table](crate::observe#what-is-emitted).
//!
//! # Everything at once
//!
//! ```
//! use axum::Router;
//! use tower_http::trace::TraceLayer;
//! use tower_verify::{
//!     BoxError, Endpoints, VerifyLayer,
//!     diyalog::{CustomerEndpoint, CustomerToken},
//!     observe::{AuditLog, MeteredStore, MetricsObserver, Pseudonyms, TracingObserver, request_span},
//!     policy::Throttle,
//!     store::MemoryStore,
//! };
//! # use std::sync::{Arc, Mutex};
//! # use axum::body::Body;
//! # use http::Request;
//! # use tower::ServiceExt;
//! # use tower_verify::{diyalog::CustomerVerdict, verifier_fn};
//! # #[derive(Clone, Default)] struct Lines(Arc<Mutex<Vec<u8>>>);
//! # impl std::io::Write for Lines {
//! #     fn write(&mut self, line: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(line) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let bank = verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::InvalidToken) });
//! # let lines = Lines::default();
//! # let audit_file = lines.clone();
//! // Before this: a subscriber of tracing, and a recorder of metrics.
//! let pseudonyms = Pseudonyms::new([7; 32]); // from where your secrets are
//! let audit = AuditLog::new(audit_file, pseudonyms.clone());
//! let principal = |token: &CustomerToken| token.customer_no.expose_secret().to_owned();
//!
//! let store = MeteredStore::new("throttle", MemoryStore::new());
//! let throttled = Throttle::new(bank, store, [7; 32], move |request: &http::Request<_>| Some(principal(request.body())));
//! let customers = VerifyLayer::new(CustomerEndpoint::new(), throttled)
//!     .principal(move |token| Some(pseudonyms.of(principal(token))));
//! let endpoints =
//!     Endpoints::observed_by((TracingObserver::new(), (MetricsObserver::new(), audit))).with(customers)?;
//!
//! let app: Router = Router::new(); // with its routes
//! let app = app.layer(endpoints).layer(TraceLayer::new_for_http().make_span_with(request_span));
//! # let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
//! # app.oneshot(Request::post("/checkauthtoken").body(Body::from(call))?).await?;
//! # let lines = String::from_utf8(lines.0.lock().unwrap().clone())?;
//! # assert!(lines.contains(r#""outcome":"denied","verdict":"invalid_token","principal":""#));
//! # assert!(!lines.contains("1234567") && !lines.contains("2121sa"));
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! * Give tower-http's `TraceLayer` the span [`request_span`](crate::observe::request_span): its own one writes the
//!   query to the log, and tokens with it.
//! * The recorder of `metrics` has to be installed before the first call.
//! * An error of your verifier is logged with its causes. Its text is yours: no credential may be in it.
//! * A layer around this one finds the [`Failure`](crate::Failure) in the extensions of the response, with the
//!   endpoint's name, if it wants to log by itself.
//!
//! The axum example logs by `RUST_LOG`, and with `METRICS_LISTEN=127.0.0.1:9000` serves `/metrics`, `/healthz` and
//! `/readyz` there. Serve these to operators only.
//!
//! # Reading an outcome
//!
//! | outcome | whose | first question |
//! |---|---|---|
//! | `admitted`, `denied` | | |
//! | `malformed`, `too_large` | the caller's | has the platform changed its API? `tower_verify.detail` names the fault |
//! | `no_credential` | the caller's | some platforms probe without a credential first: half of their calls |
//! | `unknown_caller` | the caller's | was the caller's secret rotated on one side alone? |
//! | `error` | ours | what does the field `error` say? |
//! | `panicked` | ours, a bug | where? The panic hook prints it: the payload is not logged, as it may hold a credential |
//! | `deadline_exceeded` | ours, or a slow caller | is `verifying` long (we are slow), or `reading` (the caller is)? |
//! | `throttled` | somebody guesses, or forgot | who: `tower_verify.principal`, `client.address`? |
//! | `overloaded` | many slow callers, or a load shed | how many calls are under way? |
//! | `disabled` | ours | who called `enabled(false)`? |
//! | `cancelled` | the caller's | did it hang up because we were slow? |
//!
//! # What to alert on
//!
//! `examples/operate` has alert rules for Prometheus and a dashboard for Grafana, each tried in planted faults. In short:
//!
//! * more than 5 % of an endpoint's calls `error`, `panicked`, `deadline_exceeded`, `overloaded` or `disabled`: good
//!   credentials are refused, somebody must wake up;
//! * more than 5 % of a store's operations fail: the same, and the cause;
//! * the share of `denied` is three times that of the hour before: a lost key, a bad deployment, or guessing;
//! * `unknown_caller` or `malformed` above 10 %: write to the partner;
//! * an endpoint that was called every minute is silent: the partner cannot reach you.
//!
//! Throttled calls are not an outage: they are the throttle at work, unless it is the partner's own address that is
//! throttled.
//!
//! The dashboard's panels, drawn from a run in which eleven faults are planted one after the other
//! (`examples/operate/README.md` says how):
//!
#![doc = "<figure>"]
#![doc = include_str!("../../examples/operate/dashboard.svg")]
#![doc = "</figure>"]
