use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CACHE_CONTROL, request::Parts};
use http_body::Body;

use super::GuardedBody;
use crate::{
    Failure, Outcome, Verifier,
    layer::{Deadline, Protected, Protections, Read, read},
    talkdesk::{Call, CallVerdict, Fields, decode, refusal::Refusal},
};

/// A guard's verifier, its protections and its answers.
pub(super) struct Check<V> {
    pub(super) verifier: Arc<V>,
    pub(super) protections: Protections,
    pub(super) refusal: Refusal,
}

impl<V> Check<V> {
    /// The request to hand on, with its principal in the extensions, or the answer to one that is not admitted.
    pub(super) async fn admit<P, A, B>(
        self: Arc<Self>,
        request: Request<B>,
    ) -> Result<Request<GuardedBody>, Response<Bytes>>
    where
        P: Clone + Send + Sync + 'static,
        A: Fields,
        V: Verifier<Call<P, A>>,
        B: Body + Send + 'static,
    {
        let (mut head, body) = request.into_parts();
        let mut replay = Read { data: Bytes::new(), trailers: None };
        let deadline = Deadline::after(self.protections.deadline);
        let outcome = Protected::new(self.outcome(&mut head, body, &mut replay), deadline).await;
        // Only a verified call has a principal, and only with one is it handed on.
        let mut answer = match outcome.unwrap_or_else(Outcome::Failed) {
            Outcome::Verdict(CallVerdict::Verified(principal)) => {
                head.extensions.insert(principal);
                return Ok(Request::from_parts(head, GuardedBody::new(replay)));
            }
            Outcome::Verdict(CallVerdict::Denied) => self.refusal.denied(),
            Outcome::Rejected(rejection) => self.refusal.rejected(&rejection),
            Outcome::Failed(failure) => self.refusal.failed(&failure),
        };
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Err(answer)
    }

    async fn outcome<P, A, B>(&self, head: &mut Parts, body: B, replay: &mut Read) -> Outcome<CallVerdict<P>>
    where
        P: Send + 'static,
        A: Fields,
        V: Verifier<Call<P, A>>,
        B: Body,
    {
        if let Some(Err(rejection)) = self.protections.caller.as_ref().map(|caller| caller.check(&mut head.headers)) {
            return Outcome::Rejected(rejection);
        }
        match read(pin!(body), self.protections.body_limit).await {
            Ok(read) => *replay = read,
            Err(rejection) => return Outcome::Rejected(rejection),
        }
        let call = match decode::auth(replay.data.clone()) {
            Ok(auth) => Call::new(auth),
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        match self.verifier.verify(Request::from_parts(head.clone(), call)).await {
            Ok(verdict) => Outcome::Verdict(verdict),
            Err(error) => Outcome::Failed(Failure::from_error(error)),
        }
    }
}
