//! Tower's contract for a service that wraps another: readiness, errors and bodies pass through, and auto traits stay.

use std::{
    cell::Cell,
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    marker::PhantomPinned,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{FutureExt, stream};
use http::{HeaderMap, Method, Request, Response, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt, buffer::BufferLayer, limit::ConcurrencyLimitLayer,
    load_shed::LoadShedLayer, service_fn,
};
use tower_verify::{
    Verify, VerifyLayer, VerifyService,
    diyalog::CustomerEndpoint,
    layer::{ResponseBody, ResponseFuture},
};

use crate::support::{
    APP, Answer, GOOD, MALFORMED, OneCustomer, PATIENCE, app, app_call, customer, customer_at, partner_call,
    partner_call_to,
};

/// A service that is ready at the second poll, for one call, and panics if it is called before. A clone is not ready.
struct Probe {
    polls: usize,
    calls: Arc<AtomicUsize>,
}

impl Probe {
    fn new() -> (Self, Arc<AtomicUsize>) {
        let calls = Arc::default();
        (Self { polls: 0, calls: Arc::clone(&calls) }, calls)
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self { polls: 0, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<String>> for Probe {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.polls += 1;
        if self.polls < 2 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        assert!(self.polls >= 2, "called before it was ready");
        self.polls = 0;
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Full::from(APP))))
    }
}

/// Makes sure that the tests below can fail.
#[tokio::test]
#[should_panic(expected = "called before it was ready")]
async fn the_probe_panics_when_its_clone_is_called_unready() {
    let (mut probe, _) = Probe::new();
    let _ = probe.ready().await.unwrap().clone().call(app_call()).await;
}

const ROUNDS: usize = 3;

/// Mixes the partner's calls and the app's: on one service, and on a clone for each call.
async fn assert_ready_calls<S, B, E>(mut service: S, calls: Arc<AtomicUsize>)
where
    S: Service<Request<String>, Response = Response<B>, Error = E> + Clone,
    B: Body<Error: Into<BoxError>>,
    E: fmt::Debug,
{
    for _ in 0..ROUNDS {
        Answer::of(service.ready().await.unwrap().call(partner_call(GOOD)).await.unwrap()).await.is_word("Validated");
        Answer::of(service.ready().await.unwrap().call(app_call()).await.unwrap()).await.is(200, APP);
        Answer::of(service.ready().await.unwrap().call(app_call()).await.unwrap()).await.is(200, APP);
    }
    // The last call was the app's: the service holds no permit that its clones would wait for.
    for _ in 0..ROUNDS {
        Answer::of(service.clone().oneshot(partner_call(MALFORMED)).await.unwrap()).await.is_word("BadRequest");
        Answer::of(service.clone().oneshot(app_call()).await.unwrap()).await.is(200, APP);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3 * ROUNDS);
}

#[tokio::test]
async fn the_inner_service_is_called_when_it_is_ready() {
    let (probe, calls) = Probe::new();
    assert_ready_calls(customer().layer(probe), calls).await;
}

/// Tests with one of tower's own layers outside of the layer, inside of it, and both.
macro_rules! with_tower {
    ($($name:ident: $layer:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (probe, calls) = Probe::new();
            assert_ready_calls(ServiceBuilder::new().layer($layer).layer(customer()).service(probe), calls).await;
            let (probe, calls) = Probe::new();
            assert_ready_calls(ServiceBuilder::new().layer(customer()).layer($layer).service(probe), calls).await;
            let (probe, calls) = Probe::new();
            let both = ServiceBuilder::new().layer($layer).layer(customer()).layer($layer).service(probe);
            assert_ready_calls(both, calls).await;
        }
    )*};
}

with_tower! {
    with_concurrency_limit: ConcurrencyLimitLayer::new(1);
    with_buffer: BufferLayer::new(1);
    with_buffered_load_shed: ServiceBuilder::new().layer(LoadShedLayer::new()).layer(BufferLayer::new(1));
}

/// The probe is not ready at the first poll, so that a load shed sheds. Outside of the layer, it sheds the partner's
/// calls too.
#[tokio::test]
async fn load_shed_acts_on_poll_ready() {
    let (probe, _) = Probe::new();
    let outside = ServiceBuilder::new().layer(LoadShedLayer::new()).layer(customer()).service(probe.clone());
    for request in [app_call::<String>(), partner_call(GOOD)] {
        let error = outside.clone().oneshot(request).await.unwrap_err();
        assert!(error.is::<tower::load_shed::error::Overloaded>());
    }

    // Inside of the layer, it sheds only the app's calls.
    let inside = ServiceBuilder::new().layer(customer()).layer(LoadShedLayer::new()).service(probe);
    assert!(inside.clone().oneshot(app_call()).await.is_err());
    Answer::of(inside.oneshot(partner_call(GOOD)).await.unwrap()).await.is_word("Validated");
}

#[tokio::test]
async fn an_intercepted_call_gives_back_its_unused_permit() {
    let (probe, _) = Probe::new();
    let service = ServiceBuilder::new().layer(customer()).layer(ConcurrencyLimitLayer::new(1)).service(probe);
    let mut holder = service.clone();
    Answer::of(holder.ready().await.unwrap().call(partner_call(GOOD)).await.unwrap()).await.is_word("Validated");
    drop(holder);
    let response = tokio::time::timeout(PATIENCE, service.oneshot(app_call())).await;
    Answer::of(response.expect("the permit is free").unwrap()).await.is(200, APP);
}

/// An error that is neither `std::error::Error` nor `Send`.
#[derive(Debug, PartialEq)]
struct AppError(Rc<str>);

/// Fails when it is polled ready, or only when it is called.
struct Failing {
    when_polled: bool,
}

impl Service<Request<String>> for Failing {
    type Response = Response<Full<Bytes>>;
    type Error = AppError;
    type Future = Ready<Result<Self::Response, AppError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AppError>> {
        Poll::Ready(if self.when_polled { Err(AppError("not ready".into())) } else { Ok(()) })
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        ready(Err(AppError("called".into())))
    }
}

#[tokio::test]
async fn errors_of_the_inner_service_pass_unchanged() {
    let mut service = customer().layer(Failing { when_polled: false });
    let error: AppError = service.ready().await.unwrap().call(app_call()).await.unwrap_err();
    assert_eq!(error, AppError("called".into()));
    let response = service.ready().await.unwrap().call(partner_call(GOOD)).await.unwrap();
    Answer::of(response).await.is_word("Validated");

    let error: AppError = customer().layer(Failing { when_polled: true }).ready().await.err().unwrap();
    assert_eq!(error, AppError("not ready".into()));
}

/// An error of a body that is neither `std::error::Error` nor `Send`.
#[derive(Debug, PartialEq)]
struct BodyError(Rc<str>);

#[tokio::test]
async fn errors_of_the_inner_body_pass_unchanged() {
    let service = customer().layer(service_fn(|_: Request<String>| async {
        let frames = [Ok(Frame::data(Bytes::from_static(b"a"))), Err(BodyError("broken".into()))];
        Ok::<_, Infallible>(Response::new(ResponseBody::new(StreamBody::new(stream::iter(frames)))))
    }));
    let mut body = service.oneshot(app_call()).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
    assert_eq!(body.frame().await.unwrap().unwrap_err(), BodyError("broken".into()));
}

type ThreeLayers<S> = Layered<Layered<Layered<S>>>;
type Layered<S> = Verify<S, VerifyLayer<CustomerEndpoint, OneCustomer>>;

fn three_layers<S>(inner: S) -> ThreeLayers<S> {
    let layers = ServiceBuilder::new().layer(customer_at("/1").0).layer(customer_at("/2").0).layer(customer_at("/3").0);
    layers.service(inner)
}

#[tokio::test]
async fn each_of_three_layers_answers_its_own_path() {
    let service = three_layers(service_fn(app));
    for path in ["/1", "/2", "/3"] {
        let response = service.clone().oneshot(partner_call_to::<String>(path, GOOD)).await.unwrap();
        assert_eq!(response.body().size_hint().exact(), Some("Validated".len() as u64));
        Answer::of(response).await.is_word("Validated");
    }
    let response = service.oneshot(partner_call_to::<String>("/4", GOOD)).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(APP.len() as u64));
    Answer::of(response).await.is(200, APP);
}

#[tokio::test]
async fn a_request_passes_three_layers_unchanged() {
    #[derive(Clone, PartialEq, Debug)]
    struct Mark(u32);

    static BODY: &str = "the body";
    let inner = service_fn(|request: Request<Full<Bytes>>| async {
        let (head, body) = request.into_parts();
        assert_eq!((head.method, head.version), (Method::PATCH, Version::HTTP_2));
        assert_eq!(head.uri, "http://localhost/app?dlgToken=2121sa");
        assert_eq!(head.headers.get_all("accept").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(head.extensions.get(), Some(&Mark(7)));
        assert_eq!(body.collect().await.unwrap().to_bytes().as_ptr(), BODY.as_ptr());
        app(Request::new(())).await
    });
    let service = three_layers(inner);
    let request = Request::builder()
        .method(Method::PATCH)
        .version(Version::HTTP_2)
        .uri("http://localhost/app?dlgToken=2121sa")
        .header("accept", "a")
        .header("accept", "b")
        .extension(Mark(7))
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
        .unwrap();
    Answer::of(service.oneshot(request).await.unwrap()).await.is(200, APP);
}

#[tokio::test]
async fn frames_trailers_and_hints_pass_three_layers() {
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
    let sent = trailers.clone();
    let service = three_layers(service_fn(move |_: Request<String>| {
        let frames = [
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a"))),
            Ok(Frame::data(Bytes::from_static(b"b"))),
            Ok(Frame::trailers(sent.clone())),
        ];
        ready(Ok::<_, Infallible>(Response::new(ResponseBody::new(StreamBody::new(stream::iter(frames))))))
    }));
    let mut body = service.oneshot(app_call()).await.unwrap().into_body();
    assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (0, None));
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "b");
    assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap(), trailers);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_response_has_an_exact_size_hint_at_every_step() {
    let mut body = customer().layer(service_fn(app)).oneshot(partner_call::<String>(GOOD)).await.unwrap().into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(9), false));
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "Validated");
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
    assert!(body.frame().await.is_none());
}

#[test]
fn the_default_body_is_empty_and_ends_at_once() {
    struct NoDefault;

    impl Body for NoDefault {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            unreachable!("the default body has no body in it")
        }
    }

    let mut body = ResponseBody::<ResponseBody<NoDefault>>::default();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
    assert!(body.frame().now_or_never().unwrap().is_none());
}

/// A type that is not `Send`, not `Sync` and not `Unpin`.
type Bound = (Rc<()>, PhantomPinned);
/// A type that is `Send`, but not `Sync`.
type Unshared = Cell<()>;
/// A verifier that is not `Clone`, not `Unpin` and not `Debug`.
struct Plain(#[allow(dead_code, reason = "it makes the verifier not `Unpin`")] PhantomPinned);

impl tower_verify::Verifier<tower_verify::diyalog::CustomerToken> for Plain {
    async fn verify(
        &self,
        _: Request<tower_verify::diyalog::CustomerToken>,
    ) -> Result<tower_verify::diyalog::CustomerVerdict, tower_verify::BoxError> {
        unreachable!("only its type matters")
    }
}

assert_not_impl_any!(Plain: Clone, Unpin, fmt::Debug);
assert_impl_all!(VerifyLayer<CustomerEndpoint, Plain>: Send, Sync, Unpin, Clone, fmt::Debug);
assert_impl_all!(VerifyService<CustomerEndpoint, Plain>: Send, Sync, Unpin, Clone, fmt::Debug);

assert_impl_all!(Verify<(), VerifyLayer<CustomerEndpoint, Plain>>: Send, Sync, Unpin, Clone, fmt::Debug);
assert_impl_all!(Verify<Unshared, VerifyLayer<CustomerEndpoint, Plain>>: Send, Unpin, Clone);
assert_not_impl_any!(Verify<Unshared, VerifyLayer<CustomerEndpoint, Plain>>: Sync);
assert_not_impl_any!(Verify<Bound, VerifyLayer<CustomerEndpoint, Plain>>: Send, Sync, Unpin);
assert_not_impl_any!(Verify<Plain, VerifyLayer<CustomerEndpoint, Plain>>: Clone, fmt::Debug);

// The future of an intercepted call holds a boxed future that is `Send` and not `Sync`. Nothing requires a future to be
// `Sync`.
assert_impl_all!(ResponseFuture<()>: Send, Unpin, fmt::Debug);
assert_impl_all!(ResponseFuture<Unshared>: Send, Unpin);
assert_not_impl_any!(ResponseFuture<Bound>: Send, Unpin);

assert_impl_all!(ResponseBody<()>: Send, Sync, Unpin, Default, fmt::Debug);
assert_impl_all!(ResponseBody<Unshared>: Send, Unpin, Default);
assert_not_impl_any!(ResponseBody<Unshared>: Sync);
assert_impl_all!(ResponseBody<Bound>: Default);
assert_not_impl_any!(ResponseBody<Bound>: Send, Sync, Unpin);
