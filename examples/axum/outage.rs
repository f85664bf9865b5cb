//! A planted outage: no verdict on one principal, so that one can see what the platforms are told.

use http::Request;
use tower_verify::{BoxError, Credential, Verifier};

/// A verifier that fails on each principal whose name is `outage`, and asks another verifier about the rest.
pub(crate) struct Outage<V, P> {
    verifier: V,
    principal: P,
}

impl<V, P> Outage<V, P> {
    /// `principal` returns the kind of a principal, a colon and its name.
    pub(crate) fn new(verifier: V, principal: P) -> Self {
        Self { verifier, principal }
    }
}

impl<C, V, P> Verifier<C> for Outage<V, P>
where
    C: Credential,
    V: Verifier<C>,
    P: Fn(&C) -> Option<String> + Send + Sync + 'static,
{
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        if (self.principal)(request.body()).is_some_and(|principal| principal.ends_with(":outage")) {
            return Err("the database is away".into());
        }
        self.verifier.verify(request).await
    }
}
