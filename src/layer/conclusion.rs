use std::{future::Future, pin::Pin};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CACHE_CONTROL, request::Parts};

use super::{admission::Admission, read::Read, watch::Watch};
use crate::{Contract, Credential, Failure, Outcome, Verdict};

/// The `Cache-Control` of responses that have none of their own.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

pub(crate) type VerdictOf<C> = <<C as Contract>::Credential as Credential>::Verdict;

/// A future of a conclusion.
pub(super) type Concluding<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The step after the outcome: an endpoint responds, a guard forwards the request or responds.
pub(super) trait Conclusion<C: Contract, B> {
    /// Whether it needs the body after it was decoded.
    const KEEPS: bool;
    /// The parts of the request that it needs after the verifier has taken the request.
    type Kept: Send;
    /// The result for the service.
    type Output;

    /// Keeps the parts that it needs of a decoded request.
    fn keep(head: &Parts, body: Forwarded<B>) -> Self::Kept;

    /// Concludes a positive verdict.
    fn admitted(contract: &C, verdict: VerdictOf<C>, context: C::Context, kept: Self::Kept) -> Self::Output;

    /// Concludes everything else with a response.
    fn refused(response: Response<Bytes>) -> Self::Output;

    /// The status of the layer's response, if that is the result.
    fn status(output: &Self::Output) -> Option<StatusCode>;
}

/// The body of a decoded request.
pub(super) enum Forwarded<B> {
    /// It was read.
    Read(Read),
    /// It was not read: see [`Contract::READS_BODY`].
    Unread(B),
}

impl<C: Contract, V> Admission<C, V> {
    /// The one place that chooses between admitted and refused.
    #[inline(always)]
    pub(super) fn conclude<K, B>(
        &self,
        outcome: Outcome<VerdictOf<C>>,
        context: C::Context,
        kept: Option<K::Kept>,
        watch: &mut Watch,
    ) -> K::Output
    where
        K: Conclusion<C, B>,
    {
        let contract = &*self.contract;
        let concluded = match (outcome, kept) {
            (Outcome::Verdict(verdict), Some(kept)) if verdict.admits() => {
                watch.admitted();
                K::admitted(contract, verdict, context, kept)
            }
            (Outcome::Failed(failure), _) => {
                let failure = failure.at(C::NAME);
                watch.failed(&failure);
                let mut response = contract.refused(Outcome::Failed(failure.clone()), context);
                response.extensions_mut().insert(failure);
                K::refused(uncached(response))
            }
            (refusal, _) => {
                watch.refused(&refusal);
                K::refused(uncached(contract.refused(refusal, context)))
            }
        };
        watch.end(&self.settings, C::NAME, K::status(&concluded));
        concluded
    }

    /// Concludes when [`conclude`](Self::conclude) has panicked.
    pub(super) fn conclude_broken<K, B>(&self, failure: Failure, watch: &mut Watch) -> K::Output
    where
        K: Conclusion<C, B>,
    {
        let failure = failure.at(C::NAME);
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        watch.failed(&failure);
        watch.end(&self.settings, C::NAME, Some(response.status()));
        response.extensions_mut().insert(failure);
        K::refused(uncached(response))
    }
}

/// Sets `Cache-Control: no-store` if the response has no `Cache-Control` of its own.
#[inline]
pub(crate) fn uncached(mut response: Response<Bytes>) -> Response<Bytes> {
    // A response has few headers, and comparing their names is cheaper than a look-up.
    if !response.headers().keys().any(|name| *name == CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    }
    response
}
