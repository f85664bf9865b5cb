use std::{fmt, future::poll_fn};

use http::Request;
use tower_service::Service;

use crate::{BoxError, Credential, Verifier};

/// A verifier that is a Tower service: `Service<Request<C>, Response = C::Verdict>`.
///
/// So tower's timeouts, load shedding, retries, limits and buffers apply to verification too. Each check clones the
/// service and waits until the clone is ready; a service's error is no verdict.
///
/// ```
/// use http::Request;
/// use tower::{ServiceBuilder, service_fn};
/// use tower_verify::{BoxError, Verifier, diyalog, policy::ServiceVerifier};
///
/// # futures::executor::block_on(async {
/// let service = ServiceBuilder::new().load_shed().concurrency_limit(64).service(service_fn(
///     |_: Request<diyalog::CustomerToken>| async { Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated) },
/// ));
/// let verifier = ServiceVerifier::new(service);
/// # let token = diyalog::CustomerToken::new("1234", "2121sa", "1234567");
/// # assert_eq!(verifier.verify(Request::new(token)).await?, diyalog::CustomerVerdict::Validated);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ServiceVerifier<S> {
    service: S,
}

impl<S> ServiceVerifier<S> {
    /// A verifier that asks `service`.
    pub fn new(service: S) -> Self {
        Self { service }
    }
}

impl<C, S> Verifier<C> for ServiceVerifier<S>
where
    C: Credential,
    S: Service<Request<C>, Response = C::Verdict, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
        service.call(request).await.map_err(Into::into)
    }
}

impl<S> fmt::Debug for ServiceVerifier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceVerifier").finish_non_exhaustive()
    }
}
