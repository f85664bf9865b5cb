use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
};

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

        let concluded = catch_unwind(AssertUnwindSafe(|| match (outcome, kept) {
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
        }));
        if let Ok(concluded) = &concluded {
            watch.end(&self.settings, C::NAME, K::status(concluded));
        }
        concluded.unwrap_or_else(|payload| {
            let failure = Failure::from_panic(payload).at(C::NAME);
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            watch.failed(&failure);
            watch.end(&self.settings, C::NAME, Some(response.status()));
            response.extensions_mut().insert(failure);
            K::refused(uncached(response))
        })
    }
}

/// The response with `Cache-Control: no-store`, if it has no `Cache-Control` of its own.
pub(crate) fn uncached(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(NO_STORE);
    response
}
