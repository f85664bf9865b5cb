use std::{future::Future, pin::Pin, sync::Arc};

use http::Request;
use tower_verify::{BoxError, Credential, Verifier, store::StoreError};

type Run = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// A revocation as a credential, so that it is called through the layer: it has a deadline and can be cancelled.
#[derive(Clone)]
pub(crate) struct Revoke(Arc<dyn Fn() -> Run + Send + Sync>);

impl Revoke {
    pub(crate) fn new(run: impl Fn() -> Run + Send + Sync + 'static) -> Self {
        Self(Arc::new(run))
    }
}

impl Credential for Revoke {
    type Verdict = bool;
}

/// Runs a [`Revoke`].
pub(crate) struct Revoking;

impl Verifier<Revoke> for Revoking {
    async fn verify(&self, request: Request<Revoke>) -> Result<bool, BoxError> {
        (request.body().0)().await?;
        Ok(true)
    }
}
