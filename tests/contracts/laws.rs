//! The laws of every endpoint, with any options. Only a positive verdict becomes an answer that the platform reads as
//! admitted. Everything else gets a documented answer. The verifier is asked about fit requests only: those that the
//! contract allows.
//!
//! A platform's module describes its endpoints as [`Subject`]s. A line in `laws!` tests them.

use std::{
    cell::Cell,
    convert::Infallible,
    fmt::Debug,
    future::{Future, Ready, pending},
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, future::poll_immediate, stream};
use http::{HeaderName, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_verify::{
    BoxError, CallerSecret, Contract, Endpoint, Failure, Outcome, Rejection, Verdict, Verifier, VerifyLayer,
    conformance::EndpointTest, policy::ServiceVerifier, verifier_fn,
};

use crate::vectors::VerdictOf;

/// An endpoint with certain options, as the laws see it.
pub(crate) trait Subject: Debug + Clone + Send + Sync + 'static {
    type Endpoint: Endpoint;

    fn endpoint(&self) -> Self::Endpoint;

    /// All verdicts, always in the same order. The first one is positive.
    fn verdicts(&self) -> Vec<VerdictOf<Self::Endpoint>>;

    /// A request that is fit to be verified.
    fn fit_request(&self) -> Request<Bytes>;

    /// Generates requests on the endpoint's route: fit ones, nearly fit ones, noise.
    fn requests(&self) -> BoxedStrategy<Request<Bytes>>;

    /// Whether a request is fit to be verified. The code must not be the endpoint's own.
    fn is_fit(&self, request: &Request<Bytes>) -> bool;

    /// Whether the most lenient reader of the platform could take an answer for admitted.
    fn admitted(&self, answer: &Response<Bytes>) -> bool;

    /// Whether the contract documents an answer for these options.
    fn documented(&self, answer: &Response<Bytes>) -> bool;
}

/// Makes one module for each line, with one test for each law. A test covers all subjects of the line.
macro_rules! laws {
    ($($name:ident: $subjects:expr;)*) => {$(
        mod $name {
            #[test]
            fn only_a_positive_verdict_admits() {
                $subjects.iter().for_each(super::answers);
            }

            #[test]
            fn the_endpoint_passes_the_conformance_kit() {
                $subjects.iter().for_each(super::conforms);
            }

            #[test]
            fn a_failing_verifier_does_not_admit() {
                $subjects.iter().for_each(super::failures);
            }

            #[test]
            #[cfg(feature = "deadline")]
            fn a_verdict_after_the_deadline_does_not_admit() {
                $subjects.iter().for_each(super::deadlines);
            }

            #[test]
            fn an_overloaded_verifier_does_not_admit() {
                $subjects.iter().for_each(super::overload);
            }

            #[test]
            fn the_verifier_is_asked_about_fit_requests_only() {
                $subjects.iter().for_each(super::requests);
            }

            #[test]
            fn the_verifier_is_not_asked_about_requests_that_the_protections_refuse() {
                $subjects.iter().for_each(super::protections);
            }
        }
    )*};
}

laws! {
    diyalog_customer: crate::diyalog::customers();
    diyalog_agent: crate::diyalog::agents();
    talkdesk_validator: crate::laws_talkdesk::validators::<tower_verify::talkdesk::Credentials>();
    talkdesk_typed_validator: crate::laws_talkdesk::validators::<tower_verify::talkdesk::Auth<crate::talkdesk::Login>>();
    taptalk_auth_ticket: crate::laws_taptalk::auth_tickets();
    taptalk_access_token: crate::laws_taptalk::access_tokens();
    taptalk_refresh: crate::laws_taptalk::refreshes();
    taptalk_connect: crate::laws_taptalk::connects();
    taptalk_logout: crate::laws_taptalk_client::logouts();
    taptalk_project_configs: crate::laws_taptalk_client::project_configs();
    taptalk_user_update: crate::laws_taptalk_client::user_updates();
    taptalk_app_ticket: crate::laws_taptalk::app_tickets();
}

fn conforms<S: Subject>(subject: &S) {
    let (request, verdicts, admitted) = (subject.clone(), subject.clone(), subject.clone());
    let test = EndpointTest::new(
        subject.endpoint(),
        move || request.fit_request(),
        move || verdicts.verdicts(),
        move |response| admitted.admitted(response),
    );
    on_paused_time(test.assert_conforms());
}

fn answers<S: Subject>(subject: &S) {
    let answer = |outcome: Outcome<VerdictOf<S::Endpoint>>| outcome.respond(&subject.endpoint(), Default::default());
    assert!(subject.verdicts()[0].admits());
    for verdict in subject.verdicts() {
        let positive = verdict.admits();
        let answer = answer(Outcome::Verdict(verdict));
        assert_eq!(subject.admitted(&answer), positive, "{subject:?}: {answer:?}");
        assert!(subject.documented(&answer), "{subject:?}: {answer:?}");
    }
    refused(subject, &answer(Rejection::unknown_caller().into()));
    refused(subject, &answer(Failure::panicked().into()));
    refused(subject, &answer(Failure::deadline_exceeded().into()));
    refused(subject, &answer(Failure::overloaded().into()));
    check(texts(), |text| refused(subject, &answer(Rejection::no_credential(text).into())));
    check(any::<usize>(), |limit| refused(subject, &answer(Rejection::too_large(limit).into())));
    check(any::<Duration>(), |wait| refused(subject, &answer(Failure::throttled(wait).into())));
    check(texts(), |text| {
        let rejection = Rejection::malformed(text.clone());
        refused(subject, &answer(rejection.clone().into()));
        refused(subject, &answer(rejection.with_code("40002").with_field("105").into()));
        refused(subject, &answer(Failure::from_error(text).into()));
    });
}

fn failures<S: Subject>(subject: &S) {
    async fn panics<V>() -> Result<V, BoxError> {
        panic!("Validated")
    }
    fn panics_early<V>() -> Ready<Result<V, BoxError>> {
        panic!("Validated")
    }

    check(texts(), |text| {
        let fails = verifier_fn(move |_| {
            let error = BoxError::from(text.clone());
            async { Err::<VerdictOf<S::Endpoint>, _>(error) }
        });
        refused(subject, &ask_fit(subject, fails));
    });
    let throttled = verifier_fn(|_| async { Err::<VerdictOf<S::Endpoint>, _>(Failure::throttled(Duration::MAX)) });
    refused(subject, &ask_fit(subject, throttled));
    refused(subject, &ask_fit(subject, verifier_fn(|_| panics::<VerdictOf<S::Endpoint>>())));
    refused(subject, &ask_fit(subject, verifier_fn(|_| panics_early::<VerdictOf<S::Endpoint>>())));
}

#[cfg(feature = "deadline")]
fn deadlines<S: Subject>(subject: &S) {
    let admits_after = |millis| {
        let positive = subject.clone();
        verifier_fn(move |_| {
            let verdict = positive.verdicts().remove(0);
            async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok::<_, BoxError>(verdict)
            }
        })
    };
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("Validated");
        }
    }

    let given_up = verifier_fn(|_| async {
        let _held = PanicsWhenDropped;
        pending::<Result<VerdictOf<S::Endpoint>, BoxError>>().await
    });
    refused(subject, &ask_fit(subject, given_up));
    assert!(subject.admitted(&ask_fit(subject, admits_after(4999))));
    refused(subject, &ask_fit(subject, admits_after(5001)));

    let endless = subject.fit_request().map(|body| StreamBody::new(frames(body).chain(stream::pending())));
    refused(subject, &ask(VerifyLayer::new(subject.endpoint(), admits_after(0)), endless));
}

fn overload<S: Subject>(subject: &S) {
    let (positive, calls) = (subject.clone(), Arc::new(AtomicUsize::new(0)));
    let service = service_fn(move |_| {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        let verdict = positive.verdicts().remove(0);
        async move { if first { pending().await } else { Ok::<_, BoxError>(verdict) } }
    });
    let service = ServiceBuilder::new().load_shed().concurrency_limit(1).service(service);
    let layer = VerifyLayer::new(subject.endpoint(), ServiceVerifier::new(service));
    on_paused_time(async {
        let mut first = Box::pin(answer(layer.clone(), subject.fit_request().map(Full::new)));
        assert!(poll_immediate(&mut first).await.is_none(), "the first call is not being verified");
        refused(subject, &answer(layer.clone(), subject.fit_request().map(Full::new)).await);
        drop(first);
        let third = answer(layer, subject.fit_request().map(Full::new)).await;
        assert!(subject.admitted(&third), "refused although the first call has ended: {third:?}");
    });
}

fn requests<S: Subject>(subject: &S) {
    assert!(subject.is_fit(&subject.fit_request()));
    let seen = Cell::new([false, false]);
    check(subject.requests(), |request| {
        let fit = subject.is_fit(&request);
        seen.set([seen.get()[0] || fit, seen.get()[1] || !fit]);
        for (index, verdict) in subject.verdicts().iter().enumerate() {
            let (verifier, asked) = deciding(subject, index);
            let answer = ask(VerifyLayer::new(subject.endpoint(), verifier), request.clone().map(Full::new));
            assert_eq!(asked.load(Ordering::SeqCst), usize::from(fit), "{subject:?}: {answer:?}");
            assert_eq!(subject.admitted(&answer), fit && verdict.admits(), "{subject:?}: {answer:?}");
            assert!(subject.documented(&answer), "{subject:?}: {answer:?}");
        }
    });
    assert_eq!(seen.get(), [true, true], "{subject:?}: `requests` must generate both fit and unfit ones");
}

fn protections<S: Subject>(subject: &S) {
    let secret = CallerSecret::new(HeaderName::from_static("caller"), ["605b32dd"]).unwrap();
    check((subject.requests(), any::<prop::sample::Index>()), |(request, limit)| {
        let (verifier, asked) = deciding(subject, 0);
        let layer = VerifyLayer::new(subject.endpoint(), verifier);
        refused(subject, &ask(layer.clone().caller_secret(secret.clone()), request.clone().map(Full::new)));
        if !request.body().is_empty() {
            let limited = layer.clone().body_limit(limit.index(request.body().len()));
            refused(subject, &ask(limited.clone(), request.clone().map(Full::new)));
            refused(subject, &ask(limited, request.clone().map(|body| StreamBody::new(frames(body)))));
        }
        let reset = Err(io::Error::from(io::ErrorKind::ConnectionReset));
        let broken = request.map(|body| StreamBody::new(frames(body).chain(stream::iter([reset]))));
        refused(subject, &ask(layer, broken));
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{subject:?}");
    });
}

#[track_caller]
fn refused<S: Subject>(subject: &S, answer: &Response<Bytes>) {
    assert!(!subject.admitted(answer), "{subject:?}: {answer:?}");
    assert!(subject.documented(answer), "{subject:?}: {answer:?}");
}

/// Makes a verifier that always gives the same verdict and counts how often it is asked.
fn deciding<S: Subject>(
    subject: &S,
    verdict: usize,
) -> (impl Verifier<<S::Endpoint as Contract>::Credential> + use<S>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (subject, count) = (subject.clone(), Arc::clone(&asked));
    let verifier = verifier_fn(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let verdict = subject.verdicts().remove(verdict);
        async { Ok::<_, BoxError>(verdict) }
    });
    (verifier, asked)
}

fn ask_fit<S: Subject>(subject: &S, verifier: impl Verifier<<S::Endpoint as Contract>::Credential>) -> Response<Bytes> {
    ask(VerifyLayer::new(subject.endpoint(), verifier), subject.fit_request().map(Full::new))
}

fn ask<E, V, B>(layer: VerifyLayer<E, V>, request: Request<B>) -> Response<Bytes>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    B: Body + Send + 'static,
{
    on_paused_time(answer(layer, request))
}

async fn answer<E, V, B>(layer: VerifyLayer<E, V>, request: Request<B>) -> Response<Bytes>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    B: Body + Send + 'static,
{
    let nothing = service_fn(|_| -> Ready<Result<Response<Full<Bytes>>, Infallible>> { panic!("not on the route") });
    let Ok(response) = layer.layer(nothing).oneshot(request).await;
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

pub(crate) fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// Splits `body` into frames of a few bytes.
pub(crate) fn frames(body: Bytes) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> + Send + 'static {
    let frames: Vec<_> = body.chunks(7).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
    stream::iter(frames)
}

/// Changes one byte of a body.
pub(crate) fn changed(body: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (body, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, index, byte)| {
        *index.get_mut(&mut bytes) = byte;
        bytes
    })
}

/// Texts for errors and details: anything, and texts that the platform would read as admitted if they were not escaped.
fn texts() -> impl Strategy<Value = String> {
    const ADMITTING: &[&str] =
        &["Validated", "\"Validated\"", "\"success\":true", "\",\"success\":true,\"x\":\"", "{\"status\":200}"];
    prop_oneof![any::<String>(), prop::sample::select(ADMITTING).prop_map(str::to_owned)]
}

pub(crate) fn check<T: Strategy>(strategy: T, law: impl Fn(T::Value)) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let law = |value| {
        law(value);
        Ok(())
    };
    TestRunner::new(config).run(&strategy, law).unwrap_or_else(|error| panic!("{error}"));
}
