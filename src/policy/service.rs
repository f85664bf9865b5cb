use std::{fmt, future::poll_fn};

use http::Request;
use tower_service::Service;

use crate::{BoxError, Credential, Verifier};

/// A verifier that is a Tower service: `Service<Request<C>, Response = C::Verdict>`.
///
/// With it, tower's timeouts, load shedding, retries, limits and buffers work for verification too. Each check clones
/// the service and waits until the clone is ready. An error of the service means that there is no verdict.
///
/// In this example, a database gets at most 64 look-ups at a time. A look-up that fails is retried once. A check is
/// refused at once if the database is busy.
///
/// ```
/// use std::future::{Ready, ready};
///
/// use http::Request;
/// use tower::{ServiceBuilder, load_shed::error::Overloaded, retry::Policy, service_fn};
/// use tower_verify::{
///     BoxError, Failure, Verifier,
///     diyalog::{CustomerToken, CustomerVerdict},
///     policy::ServiceVerifier,
/// };
///
/// /// Retries once after any error.
/// #[derive(Clone)]
/// struct Again(bool);
///
/// impl<C: Clone, D> Policy<Request<C>, D, BoxError> for Again {
///     type Future = Ready<()>;
///
///     fn retry(&mut self, _: &mut Request<C>, result: &mut Result<D, BoxError>) -> Option<Ready<()>> {
///         (result.is_err() && std::mem::take(&mut self.0)).then(|| ready(()))
///     }
///
///     fn clone_request(&mut self, request: &Request<C>) -> Option<Request<C>> {
///         Some(request.clone())
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let database = service_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
/// let service = ServiceBuilder::new()
///     .map_err(|error: BoxError| match error.is::<Overloaded>() {
///         true => Failure::overloaded().into(),
///         false => error,
///     })
///     .load_shed()
///     .concurrency_limit(64)
///     .retry(Again(true))
///     .service(database);
/// let verifier = ServiceVerifier::new(service);
///
/// let token = CustomerToken::new("1234", "2121sa", "1234567");
/// assert_eq!(verifier.verify(Request::new(token)).await?, CustomerVerdict::Validated);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// The [events](crate::observe) of an observer show these layers as follows:
///
/// | layer | in the event |
/// |---|---|
/// | `concurrency_limit`, `buffer`, `rate_limit` | [`verifying`](crate::observe::Event::verifying) includes the time that a check waits; a check that waits too long is `deadline_exceeded` |
/// | `load_shed` | `error`, with the source "service overloaded"; `overloaded` if mapped as above |
/// | `timeout` | `error`, with the source "request timed out"; the layer's own deadline is `deadline_exceeded` |
/// | `retry` | one event, with the outcome of the last attempt; `verifying` is the time of all of them |
#[derive(Clone)]
pub struct ServiceVerifier<S> {
    service: S,
}

impl<S> ServiceVerifier<S> {
    /// Makes a verifier that calls `service`.
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
