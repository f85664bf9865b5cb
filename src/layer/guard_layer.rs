use std::{fmt, sync::Arc};

use http::request::Parts;
use tower_layer::Layer;

use super::{Guard, admission::Admission, conclusion::VerdictOf, settings::protection_setters};
use crate::{Contract, Route, Verifier};

/// A [`Contract`] for a [`GuardLayer`]: it hands the principal of a positive verdict on to the app.
///
/// An API key in a header, and the account that it belongs to:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode, request::Parts};
/// use tower_verify::{Contract, Credential, GuardContract, Outcome, Rejection, Secret, wire::response};
///
/// struct ApiKey(Secret);
///
/// #[derive(Clone)]
/// struct Account {
///     id: u64,
/// }
///
/// impl Credential for ApiKey {
///     type Verdict = Option<Account>;
/// }
///
/// struct ApiKeyGuard;
///
/// impl Contract for ApiKeyGuard {
///     type Credential = ApiKey;
///     type Context = ();
///     const NAME: &'static str = "api_key";
///     const READS_BODY: bool = false;
///
///     fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<ApiKey, Rejection> {
///         let key = head.headers.remove("api-key").ok_or(Rejection::no_credential("`Api-Key` is missing"))?;
///         let key = key.to_str().map_err(|_| Rejection::malformed("`Api-Key` is not text"))?;
///         Ok(ApiKey(key.into()))
///     }
///
///     fn refused(&self, _: Outcome<Option<Account>>, (): ()) -> Response<Bytes> {
///         response::empty(StatusCode::FORBIDDEN)
///     }
/// }
///
/// impl GuardContract for ApiKeyGuard {
///     fn admitted(&self, account: Option<Account>, head: &mut Parts) {
///         if let Some(account) = account {
///             head.extensions.insert(account);
///         }
///     }
/// }
///
/// let (mut head, ()) = Request::new(()).into_parts();
/// ApiKeyGuard.admitted(Some(Account { id: 7 }), &mut head);
/// assert_eq!(head.extensions.get().map(|account: &Account| account.id), Some(7));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `GuardContract`",
    label = "does not say what an admitted request has in its extensions",
    note = "the first argument of `GuardLayer::new` is the contract, the second one its verifier"
)]
pub trait GuardContract: Contract {
    /// Adds the principal of a positive verdict to the request, usually to `head.extensions`.
    ///
    /// The guard calls it for positive verdicts only. `head` is as [`Contract::decode`] left it. If it may have a
    /// principal of the same type already, replace it.
    fn admitted(&self, verdict: VerdictOf<Self>, head: &mut Parts)
    where
        Self: Sized;
}

/// Guards routes of the app: only a request with a positive verdict reaches them.
///
/// **Every request to the inner service is guarded**, unless a [`route`](Self::route) limits the guard. An admitted
/// request reaches the inner service with its body byte for byte as it arrived, and with its principal in its
/// extensions. Every other request gets the response of [`Contract::refused`].
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
/// The deadline does not cover the inner service. The inner service must be `Clone` and a
/// `Service<Request<GuardedBody<B>>>`, as axum's routes are.
///
/// A bearer token in front of routes of your own:
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderValue, Request, Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, Contract, Credential, GuardContract, GuardLayer, Outcome, Rejection, Secret, verifier_fn,
///     wire::{bearer, response},
/// };
///
/// struct Token(Secret);
///
/// #[derive(Clone)]
/// struct User(&'static str);
///
/// impl Credential for Token {
///     type Verdict = Option<User>;
/// }
///
/// struct BearerGuard;
///
/// impl Contract for BearerGuard {
///     type Credential = Token;
///     type Context = ();
///     const NAME: &'static str = "bearer";
///     const READS_BODY: bool = false;
///
///     fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Token, Rejection> {
///         bearer::take(&mut head.headers).map(Token)
///     }
///
///     fn refused(&self, outcome: Outcome<Option<User>>, (): ()) -> Response<Bytes> {
///         if let Outcome::Failed(_) = outcome {
///             return response::empty(StatusCode::SERVICE_UNAVAILABLE);
///         }
///         let mut response = response::empty(StatusCode::UNAUTHORIZED);
///         response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
///         response
///     }
/// }
///
/// impl GuardContract for BearerGuard {
///     fn admitted(&self, user: Option<User>, head: &mut Parts) {
///         if let Some(user) = user {
///             head.extensions.insert(user);
///         }
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|request: Request<Token>| async move {
///     Ok::<_, BoxError>((request.body().0 == "605b32dd").then_some(User("john")))
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
    pub(super) admission: Arc<Admission<C, V>>,
}

impl<C, V> GuardLayer<C, V>
where
    C: GuardContract,
    V: Verifier<C::Credential>,
{
    /// A guard that reads credentials by `contract` and asks `verifier` about them.
    pub fn new(contract: C, verifier: V) -> Self {
        Self { admission: Arc::new(Admission::new(Route::any(), contract, verifier, 1024 * 1024)) }
    }
}

impl<C, V> GuardLayer<C, V> {
    protection_setters!(C, default body limit: "1 MiB");

    /// Guards only the requests that match `route`. All others pass **unguarded**. The default is to guard every
    /// request.
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
