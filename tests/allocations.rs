//! The allocations of a request: none for one that passes through the layer, few for one that the layer answers.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use allocation_counter::measure;
use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderName, Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};
use tower_verify::{
    BoxError, CallerSecret, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    observe::Event,
};

struct OneCustomer;

impl Verifier<CustomerToken> for OneCustomer {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let token = request.body();
        let good = token.dlg_token == "2121sa" && token.device_id == "1234" && token.customer_no == "1234567";
        Ok(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

fn layer_at(path: &str) -> VerifyLayer<CustomerEndpoint, OneCustomer> {
    VerifyLayer::new(CustomerEndpoint::new(), OneCustomer).path(path).expect("the path is a path")
}

fn app(_: Request<Full<Bytes>>) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    ready(Ok(Response::new(Full::new(Bytes::from_static(b"the app")))))
}

fn request(method: Method, path: &'static str, body: &'static str) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from_static(body.as_bytes()));
    Request::builder().method(method).uri(path).header("content-type", "application/json").body(body).unwrap()
}

/// Counts the allocations from a request to the last byte of its answer, which must be `expected`.
fn allocations<S, B>(service: &mut S, request: Request<Full<Bytes>>, expected: &str) -> u64
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    let mut answer = Bytes::new();
    let info = measure(|| {
        let response = service.call(request).now_or_never().expect("nothing is pending").unwrap();
        let mut body = response.into_body();
        let frame = body.frame().now_or_never().expect("nothing is pending");
        answer = frame.expect("the answer is not empty").unwrap().into_data().unwrap();
        assert!(body.is_end_stream());
    });
    assert_eq!(answer, expected);
    info.count_total
}

macro_rules! layered {
    ($app:expr; $($path:literal)*) => {{
        let service = $app;
        $(let service = layer_at($path).layer(service);)*
        service
    }};
}

#[test]
fn a_request_that_passes_through_allocates_nothing() {
    let mut bare = service_fn(app);
    let mut one = layered!(service_fn(app); "/1");
    let mut sixteen = layered!(service_fn(app);
        "/1" "/2" "/3" "/4" "/5" "/6" "/7" "/8" "/9" "/10" "/11" "/12" "/13" "/14" "/15" "/16");

    // Another path, a path of the same length, and the endpoint's own path by another method.
    for (method, path) in [(Method::GET, "/app"), (Method::POST, "/a"), (Method::GET, "/1")] {
        let request = || request(method.clone(), path, "a body");
        assert_eq!(allocations(&mut bare, request(), "the app"), 0, "bare, {method} {path}");
        assert_eq!(allocations(&mut one, request(), "the app"), 0, "one layer, {method} {path}");
        assert_eq!(allocations(&mut sixteen, request(), "the app"), 0, "sixteen layers, {method} {path}");
    }
}

/// Without this check, the test above could pass by counting nothing.
#[test]
fn allocations_are_counted() {
    let mut boxing = service_fn(|request| app(*std::hint::black_box(Box::new(request))));
    assert_eq!(allocations(&mut boxing, request(Method::GET, "/app", ""), "the app"), 1);
}

/// The most allocations of a check: the boxed future, and the two tables of the answer's headers.
const CHECK: u64 = 3;

#[test]
fn a_customer_check_allocates_at_most_three_times() {
    const GOOD: &str = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
    const UNKNOWN: &str = r#"{"deviceId": "1234", "dlgToken": "2121sb", "customerNo": "1234567"}"#;

    let header = HeaderName::from_static("auth-token");
    let secret = CallerSecret::new(header.clone(), ["next-value", "current-value"]).unwrap();
    let layer = || layer_at("/checkauthtoken").caller_secret(secret.clone());
    let layers = [
        ("nobody", layer()),
        ("a closure", layer().observer(|_: &Event<'_>| {})),
        #[cfg(feature = "tracing")]
        ("tracing", layer().observer(tower_verify::observe::TracingObserver::new())),
        #[cfg(feature = "metrics")]
        ("metrics", layer().observer(tower_verify::observe::MetricsObserver::new())),
    ];
    for (observer, layer) in layers {
        let mut service = layer.layer(service_fn(app));
        for (body, word) in [(GOOD, "Validated"), (UNKNOWN, "InvalidToken")] {
            let mut count = || {
                let mut request = request(Method::POST, "/checkauthtoken", body);
                request.headers_mut().insert(header.clone(), "current-value".parse().unwrap());
                allocations(&mut service, request, word)
            };
            // The first call of its kind may register a metric.
            count();
            let count = count();
            println!("a customer check answered {word}, observed by {observer}: {count} allocations");
            assert!(count <= CHECK, "{count} allocations for {word}, observed by {observer}: at most {CHECK} allowed");
        }
    }
}
