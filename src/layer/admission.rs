use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Request,
    header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION},
    request::Parts,
};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{
    Deadline,
    conclusion::{Concluding, Conclusion, Forwarded, VerdictOf},
    protect::{Guarded, protect},
    read::{ReadError, Reader},
    settings::Settings,
    watch::Watch,
};
use crate::{BoxError, Contract, Failure, Outcome, Rejection, Route, Verifier, caller::SharedCallerCheck};

/// Takes a request to an outcome: checks the caller, reads the body, decodes the credential and asks the verifier.
///
/// An endpoint and a guard differ in the step after the outcome: see [`Conclusion`].
pub(super) struct Admission<C, V> {
    pub(super) route: Route,
    pub(super) contract: Arc<C>,
    pub(super) verifier: Arc<V>,
    pub(super) settings: Settings,
}

impl<C, V> Admission<C, V> {
    pub(super) fn new(route: Route, contract: C, verifier: V, body_limit: usize) -> Self {
        let settings = Settings::with_body_limit(body_limit);
        Self { route, contract: Arc::new(contract), verifier: Arc::new(verifier), settings }
    }
}

impl<C, V> Clone for Admission<C, V> {
    fn clone(&self) -> Self {
        Self {
            route: self.route.clone(),
            contract: Arc::clone(&self.contract),
            verifier: Arc::clone(&self.verifier),
            settings: self.settings.clone(),
        }
    }
}

impl<C, V> fmt::Debug for Admission<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("route", &self.route)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<C, V> Admission<C, V>
where
    C: Contract,
    V: Verifier<C::Credential>,
{
    /// Starts the admission of `request`.
    #[inline(always)]
    pub(super) fn start<K, B>(self: &Arc<Self>, request: Request<B>) -> Concluding<K::Output>
    where
        K: Conclusion<C, B> + 'static,
        B: Body + Send + 'static,
    {
        let (admission, context, place) = (Arc::clone(self), C::Context::default(), Box::new_uninit());
        let (head, body) = request.into_parts();
        let admitting: Box<Admitting<C, V, K, B, _, _>> = Box::write(
            place,
            Admitting {
                watch: Watch::default(),
                deadline: Deadline::after(self.settings.deadline),
                verify: Self::verify,
                admission,
                context,
                step: if C::READS_BODY {
                    Step::Reading { started: false, reader: Reader::default(), head: Some(head), body }
                } else {
                    Step::Arrived { head: Some(head), body: Some(body) }
                },
            },
        );
        Box::into_pin(admitting)
    }

    #[allow(clippy::manual_async_fn, reason = "an `async fn` would move the request once more")]
    fn verify(
        self: Arc<Self>,
        request: Request<C::Credential>,
    ) -> impl Future<Output = Result<VerdictOf<C>, BoxError>> + Send {
        async move { self.verifier.verify(request).await }
    }
}

impl<C: Contract, V> Admission<C, V> {
    /// Decodes the credential of a call that is observed.
    #[cold]
    fn decode_watched(
        &self,
        head: &mut Parts,
        body: Bytes,
        context: &mut C::Context,
        watch: &mut Watch,
    ) -> Result<C::Credential, Rejection> {
        let credential = self.contract.decode(head, body, context)?;
        watch.verifying(&self.settings, &credential);
        Ok(credential)
    }

    /// Runs the checks that come before the body is read.
    #[inline]
    fn begin(&self, head: &mut Parts, watch: &mut Watch) -> Result<(), Outcome<VerdictOf<C>>> {
        let Settings { enabled, caller_secret, observer, .. } = &self.settings;
        if *enabled && caller_secret.is_none() && observer.is_none() {
            return Ok(());
        }
        watch.start(&self.settings, C::NAME, head);
        self.settings.check(head)
    }
}

/// Marks credentials that are left in the headers, so that `Debug` of the headers does not show them.
fn mark_sensitive(headers: &mut HeaderMap) {
    let is_credential = |name: &HeaderName| *name == AUTHORIZATION || *name == COOKIE || *name == PROXY_AUTHORIZATION;
    // Most requests have none, and reading the keys is cheaper than iterating over mutable values.
    if headers.keys().any(is_credential) {
        let credentials = headers.iter_mut().filter(|(name, _)| is_credential(name));
        credentials.for_each(|(_, value)| value.set_sensitive(true));
    }
}

pin_project! {
    /// The admission of one request.
    ///
    /// It is written by hand, because an `async fn` would keep and move the request several times.
    struct Admitting<C: Contract, V, K: Conclusion<C, B>, B, G, F> {
        admission: Arc<Admission<C, V>>,
        deadline: Deadline,
        verify: G,
        context: C::Context,
        #[pin]
        step: Step<B, F, K::Kept>,
        watch: Watch,
    }

    impl<C: Contract, V, K: Conclusion<C, B>, B, G, F> PinnedDrop for Admitting<C, V, K, B, G, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.watch.end(&this.admission.settings, C::NAME, None);
        }
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<B, F, K> {
        Arrived {
            head: Option<Parts>,
            body: Option<B>,
        },
        Reading {
            // Whether the checks that come before the body have run.
            started: bool,
            head: Option<Parts>,
            reader: Reader,
            #[pin]
            body: B,
        },
        CheckingCaller {
            checking: Concluding<CheckedCaller<B>>,
        },
        Verifying {
            #[pin]
            verification: F,
            kept: Option<K>,
        },
        Ended,
    }
}

/// An outcome, and the kept parts of the request if the verifier was asked.
type Ended<V, K> = (Outcome<V>, Option<K>);

impl<C, V, K, B, G, F> Future for Admitting<C, V, K, B, G, F>
where
    C: Contract,
    V: Verifier<C::Credential>,
    K: Conclusion<C, B>,
    B: Body + Send + 'static,
    G: Fn(Arc<Admission<C, V>>, Request<C::Credential>) -> F,
    F: Future<Output = Result<VerdictOf<C>, BoxError>>,
{
    type Output = K::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<K::Output> {
        let this = self.project();
        let mut call = Call::<C, V, K, B, G> {
            admission: this.admission,
            verify: this.verify,
            context: this.context,
            watch: this.watch,
            conclusion: PhantomData,
        };
        protect(&mut call, this.deadline, cx, this.step)
    }
}

/// The parts of an [`Admitting`] that each step uses.
struct Call<'a, C: Contract, V, K, B, G> {
    admission: &'a Arc<Admission<C, V>>,
    verify: &'a G,
    context: &'a mut C::Context,
    watch: &'a mut Watch,
    conclusion: PhantomData<fn(B) -> K>,
}

impl<C, V, K, B, G, F> Guarded for Call<'_, C, V, K, B, G>
where
    C: Contract,
    V: Verifier<C::Credential>,
    K: Conclusion<C, B>,
    B: Body + Send + 'static,
    G: Fn(Arc<Admission<C, V>>, Request<C::Credential>) -> F,
    F: Future<Output = Result<VerdictOf<C>, BoxError>>,
{
    type State = Step<B, F, K::Kept>;
    type Polled = Ended<VerdictOf<C>, K::Kept>;
    type Output = K::Output;

    #[inline(always)]
    fn poll(&mut self, step: Pin<&mut Self::State>, cx: &mut Context<'_>) -> Poll<Self::Polled> {
        step.poll_outcome::<C, V, K, G>(cx, self.admission, self.verify, self.context, self.watch)
    }

    fn ended() -> Self::State {
        Step::Ended
    }

    #[inline(always)]
    fn finish(&mut self, end: Result<Self::Polled, Failure>) -> K::Output {
        let (outcome, kept) = end.unwrap_or_else(|failure| (Outcome::Failed(failure), None));
        self.admission.conclude::<K, B>(outcome, std::mem::take(self.context), kept, self.watch)
    }

    fn broken(&mut self, failure: Failure) -> K::Output {
        self.admission.conclude_broken::<K, B>(failure, self.watch)
    }
}

impl<B: Body + Send + 'static, F, T> Step<B, F, T> {
    fn poll_outcome<C, V, K, G>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        admission: &Arc<Admission<C, V>>,
        verify: &G,
        context: &mut C::Context,
        watch: &mut Watch,
    ) -> Poll<Ended<VerdictOf<C>, T>>
    where
        C: Contract,
        K: Conclusion<C, B, Kept = T>,
        G: Fn(Arc<Admission<C, V>>, Request<C::Credential>) -> F,
        F: Future<Output = Result<VerdictOf<C>, BoxError>>,
    {
        loop {
            let mut known;
            let (head, mut body) = match self.as_mut().project() {
                StepProj::Arrived { head, body } => {
                    if let Err(refused) = admission.begin(head.as_mut().expect(ONCE), watch) {
                        return Poll::Ready((refused, None));
                    }
                    let body = Forwarded::Unread(body.take().expect(ONCE));
                    if let Some(check) = &admission.settings.caller_check {
                        let checking = check_caller(check, head, body);
                        self.set(Step::CheckingCaller { checking });
                        continue;
                    }
                    (head, body)
                }
                StepProj::Reading { started, head, reader, body } => {
                    let Settings { body_limit, buffer, .. } = &admission.settings;
                    if !std::mem::replace(started, true)
                        && let Err(refused) = admission.begin(head.as_mut().expect(ONCE), watch)
                    {
                        return Poll::Ready((refused, None));
                    }
                    let read = match ready!(reader.poll_read(body, cx, *body_limit, buffer)) {
                        Ok(read) => read,
                        Err(ReadError::Rejected(rejection)) => return Poll::Ready((rejection.into(), None)),
                        Err(ReadError::Failed(failure)) => return Poll::Ready((failure.into(), None)),
                    };
                    watch.read(read.data.len());
                    if let Some(check) = &admission.settings.caller_check {
                        let checking = check_caller(check, head, Forwarded::Read(read));
                        self.set(Step::CheckingCaller { checking });
                        continue;
                    }
                    (head, Forwarded::Read(read))
                }
                StepProj::CheckingCaller { checking } => {
                    let (head, body, checked) = ready!(checking.as_mut().poll(cx));
                    match checked {
                        Ok(true) => {}
                        Ok(false) => return Poll::Ready((Rejection::unknown_caller().into(), None)),
                        Err(error) => return Poll::Ready((Failure::from_error(error).into(), None)),
                    }
                    known = Some(head);
                    (&mut known, body)
                }
                StepProj::Verifying { verification, kept } => {
                    let verified = ready!(watch.in_span(|| verification.poll(cx)));
                    return Poll::Ready(match verified {
                        Ok(verdict) => (Outcome::Verdict(verdict), kept.take()),
                        Err(error) => (Failure::from_error(error).into(), None),
                    });
                }
                StepProj::Ended => panic!("a future must not be polled after it is ready"),
            };
            let data = match &mut body {
                Forwarded::Read(read) if K::KEEPS => read.data.clone(),
                Forwarded::Read(read) => std::mem::take(&mut read.data),
                Forwarded::Unread(_) => Bytes::new(),
            };
            let decoded = head.as_mut().expect(ONCE);
            let credential = if watch.is_on() {
                admission.decode_watched(decoded, data, context, watch)
            } else {
                admission.contract.decode(decoded, data, context)
            };
            let credential = match credential {
                Ok(credential) => credential,
                Err(rejection) => return Poll::Ready((rejection.into(), None)),
            };
            mark_sensitive(&mut decoded.headers);
            let kept = Some(K::keep(decoded, body));
            let head = head.take().expect(ONCE);
            let verification = verify(Arc::clone(admission), Request::from_parts(head, credential));
            self.set(Step::Verifying { verification, kept });
        }
    }
}

/// A request, and whether its caller is known.
type CheckedCaller<B> = (Parts, Forwarded<B>, Result<bool, BoxError>);

#[cold]
#[inline(never)]
fn check_caller<B>(
    check: &SharedCallerCheck,
    head: &mut Option<Parts>,
    body: Forwarded<B>,
) -> Concluding<CheckedCaller<B>>
where
    B: Send + 'static,
{
    let (check, mut head) = (check.clone(), head.take().expect(ONCE));
    let data = match &body {
        Forwarded::Read(read) => read.data.clone(),
        Forwarded::Unread(_) => Bytes::new(),
    };
    Box::pin(async move {
        let known = check.check(&mut head, &data).await;
        (head, body, known)
    })
}

const ONCE: &str = "a request is decoded once";
