use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header::WWW_AUTHENTICATE};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower_service::Service;

use crate::{
    BoxError, CallerSecret, Contract, Credential, Endpoint, Failure, Outcome, Rejection, Verdict, Verifier,
    VerifyLayer, verifier_fn,
};

type MakeRequest = dyn Fn() -> Request<Bytes> + Send + Sync;
type MakeVerdicts<E> = dyn Fn() -> Vec<VerdictOf<E>> + Send + Sync;
type ReadAsAdmitted = dyn Fn(&Response<Bytes>) -> bool + Send + Sync;
type VerdictOf<E> = <<E as Contract>::Credential as Credential>::Verdict;

/// A text that no response may contain.
const SENTINEL: &str = "sentinel-605b32dd";

/// A test of an [`Endpoint`]: only a positive verdict may become a response that its platform reads as admitted.
///
/// It needs a well-formed request, all verdicts, and a function that reads a response as the platform does. It checks
/// that
///
/// * a positive verdict is read as admitted, and every negative verdict, rejection and failure as not admitted;
/// * the same holds behind the layer, for a verifier that decides, fails, panics or takes too long, for a body that is
///   too large or breaks off, and for a caller without its secret;
/// * the verifier is called once for the well-formed request, and never for one that a protection refused;
/// * no response contains the text of a failure's source, and every `401` has a challenge (RFC 9110, section 15.5.2);
/// * `Debug` of the request that the verifier gets shows none of the [secrets](Self::secrets).
///
/// With the feature `deadline`, it must run in a tokio runtime with time enabled.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     conformance::EndpointTest,
///     diyalog::{CustomerEndpoint, CustomerVerdict},
/// };
///
/// # let mut runtime = tokio::runtime::Builder::new_current_thread();
/// # runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
/// let fit = || {
///     let body = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
///     Request::post("/checkauthtoken").body(body.into()).unwrap()
/// };
/// let verdicts = || vec![CustomerVerdict::Validated, CustomerVerdict::InvalidToken, CustomerVerdict::ExpiredToken];
/// EndpointTest::new(CustomerEndpoint::new(), fit, verdicts, |response| response.body() == "Validated")
///     .secrets(["2121sa"])
///     .assert_conforms()
///     .await;
/// # });
/// ```
#[must_use]
pub struct EndpointTest<E: Endpoint> {
    endpoint: Arc<E>,
    request: Box<MakeRequest>,
    verdicts: Arc<MakeVerdicts<E>>,
    admitted: Box<ReadAsAdmitted>,
    secrets: Vec<String>,
}

impl<E: Endpoint> EndpointTest<E> {
    /// A test of `endpoint`.
    ///
    /// `request` makes a well-formed request. `verdicts` makes all verdicts, in the same order each time. `admitted`
    /// says whether the platform may read a response as admitted: if in doubt, it returns `true`.
    pub fn new(
        endpoint: E,
        request: impl Fn() -> Request<Bytes> + Send + Sync + 'static,
        verdicts: impl Fn() -> Vec<VerdictOf<E>> + Send + Sync + 'static,
        admitted: impl Fn(&Response<Bytes>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            request: Box::new(request),
            verdicts: Arc::new(verdicts),
            admitted: Box::new(admitted),
            secrets: Vec::new(),
        }
    }

    /// The secret texts of the request. The default is none.
    pub fn secrets<T: Into<String>>(mut self, secrets: impl IntoIterator<Item = T>) -> Self {
        self.secrets = secrets.into_iter().map(Into::into).collect();
        self
    }

    /// Runs all checks.
    ///
    /// # Panics
    /// If a check fails. The message lists all violations.
    pub async fn assert_conforms(&self) {
        let violations = self.violations().await;
        assert!(violations.is_empty(), "{} violates:\n{}", E::NAME, violations.join("\n"));
    }

    /// Runs all checks and returns a line for each violation.
    pub async fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        self.check_sample(&mut violations);
        self.check_responses(&mut violations);
        self.check_verdicts(&mut violations).await;
        self.check_failures(&mut violations).await;
        self.check_protections(&mut violations).await;
        violations
    }

    fn check_sample(&self, violations: &mut Vec<String>) {
        let verdicts = (self.verdicts)();
        if !verdicts.iter().any(Verdict::admits) || verdicts.iter().all(Verdict::admits) {
            violations.push("`verdicts` must make a positive and a negative verdict".into());
        }
        if !self.endpoint.route().matches(&(self.request)()) {
            violations.push("`request` must make a request that matches the endpoint's route".into());
        }
    }

    /// The responses alone, without a request.
    fn check_responses(&self, violations: &mut Vec<String>) {
        let outcomes = |outcome: fn() -> Outcome<VerdictOf<E>>| outcome;
        for (case, outcome) in [
            ("malformed", outcomes(|| Rejection::malformed("the request is malformed").into())),
            ("no credential", outcomes(|| Rejection::no_credential("there is no credential").into())),
            ("too large", outcomes(|| Rejection::too_large(1).into())),
            ("unknown caller", outcomes(|| Rejection::unknown_caller().into())),
            ("error", outcomes(|| Failure::from_error(SENTINEL).into())),
            ("panicked", outcomes(|| Failure::panicked().into())),
            ("deadline exceeded", outcomes(|| Failure::deadline_exceeded().into())),
            ("throttled", outcomes(|| Failure::throttled(Duration::MAX).into())),
            ("overloaded", outcomes(|| Failure::overloaded().into())),
            ("disabled", outcomes(|| Failure::disabled().into())),
        ] {
            let respond = || outcome().respond(&*self.endpoint, E::Context::default());
            match catch_unwind(AssertUnwindSafe(respond)) {
                Ok(response) => self.check(&format!("response to {case}"), false, &response, violations),
                Err(payload) => {
                    Failure::from_panic(payload);
                    violations.push(format!("response to {case}: `refused` panics"));
                }
            }
        }
    }

    async fn check_verdicts(&self, violations: &mut Vec<String>) {
        for (index, verdict) in (self.verdicts)().iter().enumerate() {
            let (positive, asked) = (verdict.admits(), Arc::new(AtomicUsize::new(0)));
            let secrets = self.secrets.clone();
            let (shown, verifier) = (Arc::new(AtomicUsize::new(0)), self.deciding(index, &asked));
            let watching = {
                let shown = Arc::clone(&shown);
                let verifier = Arc::new(verifier);
                verifier_fn(move |request: Request<E::Credential>| {
                    let (head, credential) = request.into_parts();
                    let debug = format!("{head:?}");
                    let count = secrets.iter().filter(|secret| debug.contains(*secret)).count();
                    shown.fetch_add(count, Ordering::Relaxed);
                    let verifier = Arc::clone(&verifier);
                    async move { verifier.verify(Request::from_parts(head, credential)).await }
                })
            };
            let case = format!("verdict number {index}");
            let response = self.ask(self.layer(watching), Sent::Whole).await;
            self.check(&case, positive, &response, violations);
            if asked.load(Ordering::Relaxed) != 1 {
                violations.push(format!("{case}: the verifier is not called exactly once for the well-formed request"));
            }
            if shown.load(Ordering::Relaxed) > 0 {
                violations
                    .push(format!("{case}: the head that the verifier gets shows a secret: `decode` must take it out"));
            }
        }
    }

    async fn check_failures(&self, violations: &mut Vec<String>) {
        let fails = verifier_fn(|_| async { Err::<VerdictOf<E>, _>(SENTINEL) });
        let response = self.ask(self.layer(fails), Sent::Whole).await;
        self.check("failing verifier", false, &response, violations);
        let panics = verifier_fn(|_| async { panicking::<VerdictOf<E>>() });
        let response = self.ask(self.layer(panics), Sent::Whole).await;
        self.check("panicking verifier", false, &response, violations);
        #[cfg(feature = "deadline")]
        {
            let hangs = verifier_fn(|_| std::future::pending::<Result<VerdictOf<E>, BoxError>>());
            let response = self.ask(self.layer(hangs).deadline(Duration::from_millis(1)), Sent::Whole).await;
            self.check("slow verifier", false, &response, violations);
        }
    }

    async fn check_protections(&self, violations: &mut Vec<String>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let positive = (self.verdicts)().iter().position(Verdict::admits).unwrap_or_default();
        let layer = self.layer(self.deciding(positive, &asked));
        let secret = CallerSecret::new(HeaderName::from_static("conformance-caller"), [SENTINEL]);
        let secret = secret.expect("the caller's secret is valid");
        let response = self.ask(layer.clone().caller_secret(secret), Sent::Whole).await;
        self.check("caller without its secret", false, &response, violations);
        if E::READS_BODY {
            let response = self.ask(layer.clone(), Sent::BrokenOff).await;
            self.check("body that breaks off", false, &response, violations);
            if let Some(limit) = (self.request)().body().len().checked_sub(1) {
                let response = self.ask(layer.body_limit(limit), Sent::Whole).await;
                self.check("body over the limit", false, &response, violations);
            }
        }
        if asked.load(Ordering::Relaxed) > 0 {
            violations.push("the verifier is called for a request that a protection refused".into());
        }
    }

    fn check(&self, case: &str, positive: bool, response: &Response<Bytes>, violations: &mut Vec<String>) {
        let status = response.status();
        if (self.admitted)(response) != positive {
            let read = if positive { "not admitted" } else { "admitted" };
            violations.push(format!("{case}: the platform reads the response with status {status} as {read}"));
        }
        if status == StatusCode::UNAUTHORIZED && !response.headers().contains_key(WWW_AUTHENTICATE) {
            violations.push(format!("{case}: a 401 without `WWW-Authenticate`"));
        }
        let body = String::from_utf8_lossy(response.body());
        if body.contains(SENTINEL) || format!("{:?}", response.headers()).contains(SENTINEL) {
            violations.push(format!("{case}: the response contains the text of the failure's source"));
        }
    }

    /// A verifier that always returns the verdict at `index`, and counts its calls.
    fn deciding(&self, index: usize, asked: &Arc<AtomicUsize>) -> impl Verifier<E::Credential> + use<E> {
        let (verdicts, asked) = (Arc::clone(&self.verdicts), Arc::clone(asked));
        verifier_fn(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            let verdict = verdicts().into_iter().nth(index).ok_or("`verdicts` must make the same verdicts each time");
            async { verdict }
        })
    }

    fn layer<V: Verifier<E::Credential>>(&self, verifier: V) -> VerifyLayer<Arc<E>, V> {
        VerifyLayer::new(Arc::clone(&self.endpoint), verifier)
    }

    async fn ask<V: Verifier<E::Credential>>(&self, layer: VerifyLayer<Arc<E>, V>, sent: Sent) -> Response<Bytes> {
        let request = (self.request)().map(|data| SentBody { data, sent });
        let Ok(response) = layer.into_service().call(request).await;
        let (head, body) = response.into_parts();
        let Ok(body) = body.collect().await;
        Response::from_parts(head, body.to_bytes())
    }
}

impl<E: Endpoint> fmt::Debug for EndpointTest<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointTest").field("endpoint", &E::NAME).finish_non_exhaustive()
    }
}

/// Panics without the panic hook, which would print a message.
fn panicking<T>() -> Result<T, BoxError> {
    let payload: Box<dyn Any + Send> = Box::new(SENTINEL);
    std::panic::resume_unwind(payload)
}

/// How much of a body arrives.
#[derive(Clone, Copy, PartialEq)]
enum Sent {
    Whole,
    BrokenOff,
}

struct SentBody {
    data: Bytes,
    sent: Sent,
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let data = std::mem::take(&mut self.data);
        Poll::Ready(match self.sent {
            _ if !data.is_empty() => Some(Ok(Frame::data(data))),
            Sent::BrokenOff => Some(Err("the connection broke off".into())),
            Sent::Whole => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.sent == Sent::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
