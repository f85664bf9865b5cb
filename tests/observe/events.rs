//! Each call is one event, which says how the call ended.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tower::{Layer, Service, service_fn};
use tower_verify::{
    BoxError, CallerSecret, ClientAddr, Contract, Endpoint, Endpoints, Failure, GuardContract, GuardLayer, Outcome,
    Rejection, Route, Verdict, Verifier, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict},
    observe::{Event, EventOutcome, Observer, Pseudonyms},
    verifier_fn,
};

use crate::support::{
    CLIENT, Customers, ERROR, OUTCOMES, Recorder, Seen, body, customers, now, on_paused_time, request, send,
};

/// Sends one request through `layer`, and returns its event and the response.
fn seen(layer: Customers, request: Request<Full<Bytes>>) -> (Seen, Response<Full<Bytes>>) {
    let recorder = Recorder::default();
    let response = on_paused_time(send(&layer.observer(recorder.clone()), request));
    (recorder.only(), response)
}

#[test]
fn an_event_says_what_the_verifier_did() {
    for (token, outcome, verdict) in OUTCOMES {
        let (seen, response) = seen(customers(), request(body(token)));
        assert_eq!((seen.endpoint, seen.outcome, seen.verdict), ("diyalog.customer", outcome, verdict));
        assert_eq!(seen.status, Some(response.status()), "{outcome}");
        assert_eq!(seen.body_bytes, Some(body(token).len()));
        assert!(seen.verifying.unwrap() + seen.reading <= seen.total, "{seen:?}");
        assert_eq!(seen.client, Some(CLIENT.parse().unwrap()));
        assert_eq!(seen.principal, None);
    }
}

#[test]
fn an_event_says_why_the_verifier_was_not_called() {
    let secret = CallerSecret::new("caller".parse().unwrap(), ["605b32dd"]).unwrap();
    let good = || request(body("good"));
    for (layer, request, outcome, body_bytes) in [
        (customers(), request("{"), "malformed", Some(1)),
        (customers().body_limit(3), good(), "too_large", None),
        (customers().caller_secret(secret), good(), "unknown_caller", None),
        (customers().enabled(false), good(), "disabled", None),
    ] {
        let (seen, _) = seen(layer, request);
        assert_eq!((seen.outcome, seen.verifying, seen.body_bytes), (outcome, None, body_bytes));
    }
}

/// A request whose body has one frame and never ends.
fn endless() -> Request<StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static>> {
    let frames = stream::iter([Ok(Frame::data(Bytes::from_static(b"{")))]).chain(stream::pending());
    Request::post("/checkauthtoken").body(StreamBody::new(frames)).unwrap()
}

#[test]
fn an_endless_body_counts_as_reading_time() {
    let recorder = Recorder::default();
    on_paused_time(send(&customers().observer(recorder.clone()), endless()));
    let seen = recorder.only();
    assert_eq!((seen.outcome, seen.verifying, seen.body_bytes), ("deadline_exceeded", None, None));
    assert_eq!(seen.reading, seen.total, "all the time is reading time");

    on_paused_time(send(&customers().buffer_limit(0).observer(recorder.clone()), endless()));
    assert_eq!(recorder.only().outcome, "overloaded");
}

#[test]
fn time_in_the_verifier_counts_as_verifying_time() {
    const TIME: Duration = Duration::from_millis(20);
    let recorder = Recorder::default();
    let slow = verifier_fn(|_: Request<CustomerToken>| async {
        std::thread::sleep(TIME);
        Ok::<_, BoxError>(CustomerVerdict::Validated)
    });
    let layer = VerifyLayer::new(CustomerEndpoint::new(), slow).observer(recorder.clone());
    now(send(&layer, request(body("good"))));
    let seen = recorder.only();
    assert!(seen.verifying.unwrap() >= TIME && seen.total - seen.reading >= TIME, "{seen:?}");
}

#[test]
fn a_dropped_call_is_observed_as_cancelled() {
    let recorder = Recorder::default();
    let layer = customers().observer(recorder.clone());
    on_paused_time(async {
        let mut call = Box::pin(send(&layer, request(body("hang"))));
        assert!(futures::poll!(&mut call).is_pending());
        drop(call);
    });
    let seen = recorder.only();
    assert_eq!((seen.outcome, seen.status, seen.verifying.is_some()), ("cancelled", None, true));
}

/// An endpoint that panics in every response.
struct Broken;

impl Contract for Broken {
    type Credential = CustomerToken;
    type Context = ();
    const NAME: &'static str = "broken";

    fn decode(&self, _: &mut Parts, _: Bytes, (): &mut ()) -> Result<CustomerToken, Rejection> {
        Ok(CustomerToken::new("1234", "good", "1234567"))
    }

    fn refused(&self, _: Outcome<CustomerVerdict>, (): ()) -> Response<Bytes> {
        panic!("a bug")
    }
}

impl Endpoint for Broken {
    fn route(&self) -> Route {
        CustomerEndpoint::new().route()
    }

    fn admitted(&self, _: CustomerVerdict, (): ()) -> Response<Bytes> {
        panic!("a bug")
    }
}

#[test]
fn a_panic_while_responding_is_observed_with_the_callers_status() {
    let recorder = Recorder::default();
    let layer = VerifyLayer::new(Broken, crate::support::Scripted).observer(recorder.clone());
    let response = now(send(&layer, request("")));
    let seen = recorder.only();
    assert_eq!((seen.outcome, seen.status), ("panicked", Some(StatusCode::INTERNAL_SERVER_ERROR)));
    assert_eq!(response.status(), 500);
}

#[test]
fn a_failure_is_observed_with_its_source() {
    let sources = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&sources);
    let layer = customers().observer(move |event: &Event<'_>| {
        let EventOutcome::Failed(failure) = event.outcome else { panic!("no failure") };
        let source = std::error::Error::source(failure).map(ToString::to_string);
        kept.lock().unwrap().push((source, failure.retry_after()));
    });
    now(send(&layer, request(body("error"))));
    now(send(&layer, request(body("throttled"))));
    let wait = Some(Duration::from_secs(3));
    assert_eq!(*sources.lock().unwrap(), [(Some(ERROR.to_owned()), None), (None, wait)]);
}

#[test]
fn the_principal_is_the_pseudonym_that_the_app_makes() {
    let (recorder, pseudonyms) = (Recorder::default(), Pseudonyms::new([7; 32]));
    let of = pseudonyms.clone();
    let layer = customers()
        .observer(recorder.clone())
        .principal(move |token: &CustomerToken| Some(of.of(token.customer_no.expose_secret())));
    now(send(&layer, request(body("expired"))));
    assert_eq!(recorder.only().principal, Some(pseudonyms.of("1234567")));
    assert_ne!(pseudonyms.of("1234567"), pseudonyms.of("1234568"));
    assert_ne!(pseudonyms.of("1234567"), Pseudonyms::new([8; 32]).of("1234567"));

    let layer = customers().observer(recorder.clone()).principal(|_| panic!("a bug"));
    let response = now(send(&layer, request(body("good"))));
    let seen = recorder.only();
    assert_eq!((seen.principal, seen.outcome), (None, "admitted"));
    assert_eq!(now(response.into_body().collect()).unwrap().to_bytes(), "Validated");
}

#[test]
fn the_client_address_is_read_as_the_layer_is_configured() {
    let recorder = Recorder::default();
    let layer = customers().observer(recorder.clone()).client_addr(ClientAddr::x_forwarded_for(1).unwrap());
    let mut request = request(body("good"));
    request.headers_mut().insert("x-forwarded-for", "198.51.100.2".parse().unwrap());
    now(send(&layer, request));
    assert_eq!(recorder.only().client, Some("198.51.100.2".parse().unwrap()));
}

struct Panics(AtomicUsize);

impl Observer for Panics {
    fn observe(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("a bug of the observer")
    }

    fn started(&self, _: &'static str) {
        panic!("a bug of the observer")
    }

    fn span(&self, _: &'static str) -> tracing::Span {
        panic!("a bug of the observer")
    }
}

#[test]
fn an_observer_that_panics_changes_no_response() {
    let (panics, recorder) = (Arc::new(Panics(AtomicUsize::new(0))), Recorder::default());
    for (token, ..) in OUTCOMES {
        let plain = on_paused_time(send(&customers(), request(body(token))));
        let first = customers().observer((Arc::clone(&panics), recorder.clone()));
        let second = customers().observer((recorder.clone(), Arc::clone(&panics)));
        for layer in [first, second] {
            let observed = on_paused_time(send(&layer, request(body(token))));
            assert_eq!(format!("{observed:?}"), format!("{plain:?}"), "{token}");
            recorder.only();
        }
    }
    assert_eq!(panics.0.load(Ordering::Relaxed), 2 * OUTCOMES.len());
}

#[test]
fn a_verdict_whose_name_panics_is_still_denied() {
    struct Nameless;

    impl Verdict for Nameless {
        fn admits(&self) -> bool {
            false
        }

        fn name(&self) -> &'static str {
            panic!("a bug")
        }
    }

    struct Badge;

    impl tower_verify::Credential for Badge {
        type Verdict = Nameless;
    }

    struct Door;

    impl Contract for Door {
        type Credential = Badge;
        type Context = ();
        const NAME: &'static str = "door";

        fn decode(&self, _: &mut Parts, _: Bytes, (): &mut ()) -> Result<Badge, Rejection> {
            Ok(Badge)
        }

        fn refused(&self, _: Outcome<Nameless>, (): ()) -> Response<Bytes> {
            Response::builder().status(403).body(Bytes::new()).unwrap()
        }
    }

    impl Endpoint for Door {
        fn route(&self) -> Route {
            CustomerEndpoint::new().route()
        }

        fn admitted(&self, _: Nameless, (): ()) -> Response<Bytes> {
            unreachable!("nobody is admitted")
        }
    }

    let recorder = Recorder::default();
    let verifier = verifier_fn(|_: Request<Badge>| async { Ok::<_, BoxError>(Nameless) });
    let response = now(send(&VerifyLayer::new(Door, verifier).observer(recorder.clone()), request("")));
    let seen = recorder.only();
    assert_eq!((seen.outcome, seen.verdict, seen.status), ("denied", Some("denied"), Some(response.status())));
    assert_eq!(response.status(), 403);
}

#[test]
fn a_shared_observer_sees_the_endpoints_without_their_own_observer() {
    let (all, own) = (Recorder::default(), Recorder::default());
    let agents = verifier_fn(|_: Request<AgentToken>| async { Ok::<_, BoxError>(AgentVerdict::InvalidSessionId) });
    let endpoints = Endpoints::observed_by(all.clone())
        .with(customers())
        .unwrap()
        .with(VerifyLayer::new(AgentEndpoint::new(), agents).observer(own.clone()))
        .unwrap();
    now(send(&endpoints, request(body("good"))));
    assert_eq!(all.only().endpoint, "diyalog.customer");
    let agent = Request::get("/CheckToken?sessionId=1&userNo=2&token=3").body(Full::<Bytes>::default()).unwrap();
    now(send(&endpoints, agent));
    let seen = own.only();
    assert_eq!((seen.endpoint, seen.verdict), ("diyalog.agent", Some("invalid_session_id")));
}

#[test]
fn a_request_that_passes_through_is_not_observed() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let layer = customers().observer(move |_: &Event<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    now(send(&layer, Request::get("/app").body(Full::<Bytes>::default()).unwrap()));
    now(send(&layer, Request::get("/checkauthtoken").body(Full::<Bytes>::default()).unwrap()));
    assert_eq!(seen.load(Ordering::Relaxed), 0);
}

/// A guard that reads a token from a header.
struct Header;

impl Contract for Header {
    type Credential = CustomerToken;
    type Context = ();
    const NAME: &'static str = "header";
    const READS_BODY: bool = false;

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<CustomerToken, Rejection> {
        let token = head.headers.remove("token").ok_or_else(|| Rejection::no_credential("there is no token"))?;
        Ok(CustomerToken::new("1234", token.to_str().unwrap(), "1234567"))
    }

    fn refused(&self, _: Outcome<CustomerVerdict>, (): ()) -> Response<Bytes> {
        Response::builder().status(401).body(Bytes::new()).unwrap()
    }
}

impl GuardContract for Header {
    fn admitted(&self, _: CustomerVerdict, _: &mut Parts) {}
}

#[test]
fn calls_through_a_guard_are_observed_too() {
    let recorder = Recorder::default();
    let guard = GuardLayer::new(Header, crate::support::Scripted).observer(recorder.clone());
    for (token, outcome, status) in
        [(Some("good"), "admitted", None), (Some("expired"), "denied", Some(401)), (None, "no_credential", Some(401))]
    {
        let mut request = Request::new(Full::<Bytes>::from("a body"));
        if let Some(token) = token {
            request.headers_mut().insert("token", token.parse().unwrap());
        }
        let app = service_fn(|_: Request<_>| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("app"))) });
        let response = now(guard.layer(app).call(request)).unwrap();
        let seen = recorder.only();
        assert_eq!((seen.endpoint, seen.outcome), ("header", outcome));
        assert_eq!(seen.status.map(|status| status.as_u16()), status, "the event has the guard's status only");
        assert_eq!(status.unwrap_or(200), response.status().as_u16());
    }
}

#[test]
fn a_verifier_that_panics_when_its_deadline_drops_it_is_one_event() {
    let recorder = Recorder::default();
    struct Hangs;

    impl Verifier<CustomerToken> for Hangs {
        async fn verify(&self, _: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
            struct PanicsWhenDropped;

            impl Drop for PanicsWhenDropped {
                fn drop(&mut self) {
                    panic!("a bug")
                }
            }

            let _panics = PanicsWhenDropped;
            pending::<()>().await;
            Err(Failure::panicked().into())
        }
    }

    let layer = VerifyLayer::new(CustomerEndpoint::new(), Hangs).observer(recorder.clone());
    on_paused_time(send(&layer, request(body("good"))));
    assert_eq!(recorder.only().outcome, "panicked");
}
