use std::{fmt, sync::Arc};

use http::request::Parts;
use tower_layer::Layer;

use super::{Guard, admission::Admission, conclusion::VerdictOf, settings::protection_setters};
use crate::{Contract, Route, Verifier};

/// A [`Contract`] for a [`GuardLayer`]: it hands the principal of a positive verdict on to the app.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `GuardContract`",
    label = "does not say what an admitted request has in its extensions",
    note = "the first argument of `GuardLayer::new` is the contract, the second one its verifier"
)]
pub trait GuardContract: Contract {
    /// Adds the principal of a positive verdict to the request, usually to `head.extensions`. The guard calls it for
    /// nothing else.
    ///
    /// `head` is as [`Contract::decode`] left it. If it may have a principal of the same type already, replace it.
    fn admitted(&self, verdict: VerdictOf<Self>, head: &mut Parts)
    where
        Self: Sized;
}

/// Guards routes of the app: only a request with a positive verdict reaches them.
///
/// **Every request of the service that it wraps is guarded**, unless a [`route`](Self::route) limits the guard. An
/// admitted request goes on with its body byte for byte as it arrived, and with its principal in its extensions. Everything
/// else gets [`Contract::refused`].
///
/// | protection | default | setter |
/// |---|---|---|
/// | limit of the body | 1 MiB | [`body_limit`](Self::body_limit) |
/// | limit of the bytes of incomplete bodies, over all requests | 64 MiB | [`buffer_limit`](Self::buffer_limit) |
/// | deadline over reading and verifying together | 5 s | [`deadline`](Self::deadline) |
/// | secret that the caller must present in a header | none | [`caller_secret`](Self::caller_secret), [`caller_secret_by`](Self::caller_secret_by) |
/// | check of the caller over the whole request | none | [`caller_check`](Self::caller_check) |
/// | panics become failures | always | |
///
/// The deadline ends with the verdict. The inner service is a `Service<Request<GuardedBody<B>>>` that is `Clone`, as axum's
/// routes are; it is made ready after the request is admitted.
///
/// A bearer token in front of routes of your own:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode, header::AUTHORIZATION, request::Parts};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, Contract, Credential, GuardContract, GuardLayer, Outcome, Rejection, Secret, Verdict, verifier_fn,
///     wire::response,
/// };
///
/// struct Bearer(Secret);
///
/// #[derive(Clone)]
/// struct User(&'static str);
///
/// struct Known(Option<User>);
///
/// impl Verdict for Known {
///     fn admits(&self) -> bool {
///         self.0.is_some()
///     }
/// }
///
/// impl Credential for Bearer {
///     type Verdict = Known;
/// }
///
/// struct BearerGuard;
///
/// impl Contract for BearerGuard {
///     type Credential = Bearer;
///     type Context = ();
///     const NAME: &'static str = "bearer";
///     const READS_BODY: bool = false;
///
///     fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Bearer, Rejection> {
///         let value = head.headers.remove(AUTHORIZATION).ok_or(Rejection::no_credential("there is no token"))?;
///         let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
///         token.map(|token| Bearer(token.into())).ok_or(Rejection::malformed("this is not a bearer token"))
///     }
///
///     fn refused(&self, outcome: Outcome<Known>, (): ()) -> Response<Bytes> {
///         response::empty(match outcome {
///             Outcome::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
///             _ => StatusCode::UNAUTHORIZED,
///         })
///     }
/// }
///
/// impl GuardContract for BearerGuard {
///     fn admitted(&self, verdict: Known, head: &mut Parts) {
///         head.extensions.extend(verdict.0.map(|user| {
///             let mut extensions = http::Extensions::new();
///             extensions.insert(user);
///             extensions
///         }).unwrap_or_default());
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|request: Request<Bearer>| async move {
///     Ok::<_, BoxError>(Known((request.body().0 == "605b32dd").then_some(User("john"))))
/// });
/// let app = service_fn(|request: Request<_>| async move {
///     let User(name) = request.extensions().get().cloned().ok_or("no request gets here without a user")?;
///     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(name)))
/// });
/// let app = ServiceBuilder::new().layer(GuardLayer::new(BearerGuard, verifier)).service(app);
///
/// let request = Request::get("/").header("authorization", "Bearer 605b32dd").body(String::new())?;
/// assert_eq!(app.clone().oneshot(request).await?.status(), 200);
/// assert_eq!(app.oneshot(Request::get("/").body(String::new())?).await?.status(), 401);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[must_use]
pub struct GuardLayer<C, V> {
    admission: Arc<Admission<C, V>>,
}

impl<C, V> GuardLayer<C, V>
where
    C: GuardContract,
    V: Verifier<C::Credential>,
{
    /// A guard that reads requests by `contract` and asks `verifier`.
    pub fn new(contract: C, verifier: V) -> Self {
        Self { admission: Arc::new(Admission::new(Route::any(), contract, verifier, 1024 * 1024)) }
    }
}

impl<C, V> GuardLayer<C, V> {
    protection_setters!(C, default body limit: "1 MiB");

    /// Guards the requests of this route alone. All others pass **unguarded**. The default is every request.
    pub fn route(mut self, route: Route) -> Self {
        Arc::make_mut(&mut self.admission).route = route;
        self
    }
}

impl<S, C, V> Layer<S> for GuardLayer<C, V> {
    type Service = Guard<S, C, V>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::new(inner, Arc::clone(&self.admission))
    }
}

impl<C, V> Clone for GuardLayer<C, V> {
    fn clone(&self) -> Self {
        Self { admission: Arc::clone(&self.admission) }
    }
}

impl<C, V> fmt::Debug for GuardLayer<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").field("admission", &self.admission).finish()
    }
}
