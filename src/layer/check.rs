use std::{
    future::{Future, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CACHE_CONTROL, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{CallerSecret, Deadline, future::Answer, protect::protect, read::Reader};
use crate::{BoxError, Credential, Endpoint, Failure, Outcome, Route, Verifier};

/// For whatever a platform's call is answered with.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What stands between a caller and a verifier, whoever they are.
#[derive(Debug, Clone)]
pub(crate) struct Protections {
    pub(crate) body_limit: usize,
    pub(crate) deadline: Option<Duration>,
    pub(crate) caller: Option<CallerSecret>,
}

impl Default for Protections {
    fn default() -> Self {
        Self { body_limit: 16 * 1024, deadline: Some(Duration::from_secs(5)), caller: None }
    }
}

/// One endpoint, its verifier and its protections: all that it takes to answer a call.
pub(crate) struct Check<E, V> {
    pub(crate) route: Route,
    pub(crate) endpoint: Arc<E>,
    pub(crate) verifier: Arc<V>,
    pub(crate) protections: Protections,
}

type VerdictOf<E> = <<E as Endpoint>::Credential as Credential>::Verdict;

impl<E, V> Check<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    /// From request to answer. Whatever goes wrong on the way is an outcome, and is answered as one.
    ///
    /// It stays out of line, so that the requests that pass through do not pay for it.
    #[inline(never)]
    pub(super) fn respond<B>(self: &Arc<Self>, mut request: Request<B>) -> Answer
    where
        B: Body + Send + 'static,
    {
        if let Some(caller) = &self.protections.caller
            && let Err(rejection) = caller.check(request.headers_mut())
        {
            return Box::pin(ready(self.answer(Outcome::Rejected(rejection))));
        }
        let (head, body) = request.into_parts();
        let place = Box::new_uninit();
        let responding: Box<_> = Box::write(
            place,
            Responding {
                deadline: Deadline::after(self.protections.deadline),
                verify: Self::verify,
                check: Arc::clone(self),
                step: Step::Reading { reader: Reader::new(self.protections.body_limit), head: Some(head), body },
            },
        );
        Box::into_pin(responding)
    }

    #[allow(clippy::manual_async_fn, reason = "an `async fn` would move the request once more")]
    fn verify(
        self: Arc<Self>,
        request: Request<E::Credential>,
    ) -> impl Future<Output = Result<VerdictOf<E>, BoxError>> + Send {
        async move { self.verifier.verify(request).await }
    }

    fn answer(&self, outcome: Outcome<VerdictOf<E>>) -> Response<Bytes> {
        let answer = catch_unwind(AssertUnwindSafe(|| self.endpoint.answer(outcome)));
        let mut response = answer.unwrap_or_else(|_| {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        });
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        response
    }
}

pin_project! {
    /// The way from request to answer.
    ///
    /// Spelled out and not an `async fn`, which would keep and move the request several times.
    struct Responding<E, V, B, G, F> {
        check: Arc<Check<E, V>>,
        deadline: Deadline,
        verify: G,
        #[pin]
        step: Step<B, F>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<B, F> {
        Reading {
            head: Option<Parts>,
            reader: Reader,
            #[pin]
            body: B,
        },
        Verifying {
            #[pin]
            verification: F,
        },
        Answered,
    }
}

impl<E, V, B, G, F> Future for Responding<E, V, B, G, F>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
    B: Body,
    G: Fn(Arc<Check<E, V>>, Request<E::Credential>) -> F,
    F: Future<Output = Result<VerdictOf<E>, BoxError>>,
{
    type Output = Response<Bytes>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        let this = self.project();
        let (check, verify) = (this.check, this.verify);
        let poll = |step: Pin<&mut Step<B, F>>, cx: &mut Context<'_>| step.poll_outcome(cx, check, verify);
        let outcome = ready!(protect(this.deadline, cx, this.step, poll, || Step::Answered));
        Poll::Ready(check.answer(outcome.unwrap_or_else(Outcome::Failed)))
    }
}

impl<B: Body, F> Step<B, F> {
    fn poll_outcome<E, V, G>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        check: &Arc<Check<E, V>>,
        verify: &G,
    ) -> Poll<Outcome<VerdictOf<E>>>
    where
        E: Endpoint,
        G: Fn(Arc<Check<E, V>>, Request<E::Credential>) -> F,
        F: Future<Output = Result<VerdictOf<E>, BoxError>>,
    {
        loop {
            match self.as_mut().project() {
                StepProj::Reading { head, reader, body } => {
                    let read = match ready!(reader.poll_read(body, cx)) {
                        Ok(read) => read,
                        Err(rejection) => return Poll::Ready(Outcome::Rejected(rejection)),
                    };
                    let decoded = head.as_mut().expect("the body is read once");
                    let credential = match check.endpoint.decode(decoded, read.data) {
                        Ok(credential) => credential,
                        Err(rejection) => return Poll::Ready(Outcome::Rejected(rejection)),
                    };
                    let head = head.take().expect("the body is read once");
                    let verification = verify(Arc::clone(check), Request::from_parts(head, credential));
                    self.set(Step::Verifying { verification });
                }
                StepProj::Verifying { verification } => {
                    return Poll::Ready(match ready!(verification.poll(cx)) {
                        Ok(verdict) => Outcome::Verdict(verdict),
                        Err(error) => Outcome::Failed(Failure::from_error(error)),
                    });
                }
                StepProj::Answered => panic!("a future is not polled after its end"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;
    use crate::diyalog::{Customer, CustomerToken, CustomerVerdict};

    struct Nobody;

    impl Verifier<CustomerToken> for Nobody {
        async fn verify(&self, _request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
            Ok(CustomerVerdict::InvalidToken)
        }
    }

    /// What it holds is allocated and moved for every check: the request, and the verification, which holds the request
    /// once for the verifier to be given and once more where the verifier keeps it.
    #[test]
    fn the_boxed_future_is_as_small_as_the_verifiers_allows() {
        let check = Arc::new(Check {
            route: Customer::new().route().clone(),
            endpoint: Arc::new(Customer::new()),
            verifier: Arc::new(Nobody),
            protections: Protections::default(),
        });
        let answer = check.respond(Request::new(Full::new(Bytes::new())));
        let verifying = size_of_val(&Nobody.verify(Request::new(CustomerToken::new("", "", ""))));
        let request = size_of::<Request<CustomerToken>>();
        println!("boxed {}, verifying {verifying}, request {request}", size_of_val(&*answer));
        assert!(size_of_val(&*answer) <= request + verifying + 64, "{}", size_of_val(&*answer));
    }
}
