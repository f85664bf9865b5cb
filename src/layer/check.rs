use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CACHE_CONTROL};
use http_body::Body;

use super::{CallerSecret, Deadline, Protected, future::Answer, read};
use crate::{Credential, Endpoint, Failure, Outcome, Route, Verifier};

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

type OutcomeOf<E> = Outcome<<<E as Endpoint>::Credential as Credential>::Verdict>;

impl<E, V> Check<E, V>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    /// From request to answer. Whatever goes wrong on the way is an outcome, and is answered as one.
    ///
    /// It stays out of line, so that what passes through is not made slower by it.
    #[inline(never)]
    pub(super) fn respond<B>(this: &Arc<Self>, request: Request<B>) -> Answer
    where
        B: Body + Send + 'static,
    {
        let this = Arc::clone(this);
        Box::pin(async move { this.respond_async(request).await })
    }

    async fn respond_async<B>(self: Arc<Self>, request: Request<B>) -> Response<Bytes>
    where
        B: Body + Send + 'static,
    {
        let deadline = Deadline::after(self.protections.deadline);
        let outcome = Protected::new(self.outcome(request), deadline).await;
        self.answer(outcome.unwrap_or_else(Outcome::Failed))
    }

    async fn outcome<B: Body>(&self, request: Request<B>) -> OutcomeOf<E> {
        let (mut head, body) = request.into_parts();
        if let Some(Err(rejection)) = self.protections.caller.as_ref().map(|caller| caller.check(&mut head.headers)) {
            return Outcome::Rejected(rejection);
        }
        let body = match read(pin!(body), self.protections.body_limit).await {
            Ok(read) => read.data,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        let credential = match self.endpoint.decode(&mut head, body) {
            Ok(credential) => credential,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        match self.verifier.verify(Request::from_parts(head, credential)).await {
            Ok(verdict) => Outcome::Verdict(verdict),
            Err(error) => Outcome::Failed(Failure::from_error(error)),
        }
    }

    fn answer(&self, outcome: OutcomeOf<E>) -> Response<Bytes> {
        let answer = catch_unwind(AssertUnwindSafe(|| self.endpoint.answer(outcome)));
        let mut response = answer.unwrap_or_else(|_| {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        });
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
