//! Verifiers, and the credentials that they decide about.

use std::{error::Error, fmt, future::Future, pin::Pin, sync::Arc};

use http::Request;

/// A type-erased error: what a verifier returns when it cannot decide.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A credential that a platform submits to be checked.
///
/// A credential owns what it needs, so that verifiers are plain `async fn`s without lifetimes.
///
/// ```
/// use tower_verify::{Credential, Secret};
///
/// struct Badge {
///     number: Secret,
///     turnstile: u32,
/// }
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Credential`",
    label = "not the credential of an endpoint",
    note = "a verifier is for the credential of its endpoint, such as `CustomerToken` for `diyalog::CustomerEndpoint`",
    note = "for `talkdesk::Validator::typed::<{Self}>()` the verifier must be for `Auth<{Self}>`: implement `Verifier<talkdesk::Auth<{Self}>>`"
)]
pub trait Credential: Send + 'static {
    /// The verdicts that the platform's contract documents.
    type Verdict: Verdict;
}

/// The decision of a verifier about a credential.
///
/// `bool` is one, for a platform that knows nothing but yes and no, and `Option<T>`, for a platform that asks whose
/// credential it is. A platform that tells its denials apart needs a type of its own:
///
/// ```
/// use tower_verify::Verdict;
///
/// enum BadgeVerdict {
///     Valid,
///     Expired,
///     Unknown,
/// }
///
/// impl Verdict for BadgeVerdict {
///     fn admits(&self) -> bool {
///         matches!(self, Self::Valid)
///     }
///
///     fn name(&self) -> &'static str {
///         match self {
///             Self::Valid => "valid",
///             Self::Expired => "expired",
///             Self::Unknown => "unknown",
///         }
///     }
/// }
///
/// assert!(BadgeVerdict::Valid.admits());
/// assert!(!BadgeVerdict::Expired.admits());
/// ```
pub trait Verdict: Send + 'static {
    /// Whether the credential is good.
    fn admits(&self) -> bool;

    /// The name of the verdict for logs and metrics, such as `expired_token`: a word of the contract, and no value of
    /// the credential. Only the names of negative verdicts are asked for. The default is `denied`.
    fn name(&self) -> &'static str {
        "denied"
    }
}

/// For platforms that know nothing but yes and no.
impl Verdict for bool {
    fn admits(&self) -> bool {
        *self
    }
}

/// For platforms that ask who it is: the principal of a good credential, or `None`.
impl<T: Send + 'static> Verdict for Option<T> {
    fn admits(&self) -> bool {
        self.is_some()
    }
}

/// Supplied by the app: decides whether a credential is good.
///
/// `verify` has three outcomes. A verdict, positive or negative, is `Ok`. An error means that there is no verdict (the database
/// is away), and the platform is told that the credential is not admitted. Bad input never gets here.
///
/// Implement it with `async fn verify`, or wrap a closure in [`verifier_fn`]. One type can verify several credentials.
///
/// ```
/// use http::Request;
/// use tower_verify::{BoxError, Credential, Verifier};
///
/// struct Badge(u32);
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
///
/// struct Reception;
///
/// impl Verifier<Badge> for Reception {
///     async fn verify(&self, request: Request<Badge>) -> Result<bool, BoxError> {
///         Ok(request.body().0 == 7) // ask your database; `?` on its errors is right
///     }
/// }
///
/// # futures::executor::block_on(async {
/// assert!(Reception.verify(Request::new(Badge(7))).await?);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Verifier` of `{C}`",
    label = "cannot verify `{C}`",
    note = "implement `Verifier<{C}>` for it with `async fn verify(&self, request: http::Request<{C}>)`",
    note = "a closure becomes a verifier by `verifier_fn(|request: http::Request<{C}>| async move {{ .. }})`"
)]
pub trait Verifier<C: Credential>: Send + Sync + 'static {
    /// Decides about the credential that is the body of `request`.
    ///
    /// The request's method, URI, version, headers and extensions are the ones that arrived, less what the endpoint took
    /// out of them as part of the credential.
    ///
    /// The future goes from thread to thread as the server's other tasks do, so that it is `Send`: it holds no `Rc`, no
    /// `RefCell`'s borrow and no lock of `std` across an `.await`.
    ///
    /// # Errors
    /// If there is no verdict. The platform is told so in its own vocabulary, and never what the error says.
    #[rustfmt::skip] // The compiler shows the line of the bound that was not met, comment included.
    fn verify(&self, request: Request<C>) -> impl Future<Output = Result<C::Verdict, BoxError>>
        + Send; // what the `async fn` holds across an `.await` must be `Send`
}

impl<C: Credential, V: Verifier<C>> Verifier<C> for Arc<V> {
    fn verify(&self, request: Request<C>) -> impl Future<Output = Result<C::Verdict, BoxError>> + Send {
        (**self).verify(request)
    }
}

impl<C: Credential, V: Verifier<C>> Verifier<C> for Box<V> {
    fn verify(&self, request: Request<C>) -> impl Future<Output = Result<C::Verdict, BoxError>> + Send {
        (**self).verify(request)
    }
}

/// A verifier that is an async closure or function.
///
/// Its future must be `Send`, as that of [`Verifier::verify`]. To share it, put it into an `Arc` or a [`SharedVerifier`].
///
/// ```
/// use http::Request;
/// use tower_verify::{BoxError, Credential, Verifier, verifier_fn};
///
/// struct Badge(u32);
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
///
/// let reception = verifier_fn(|request: Request<Badge>| async move { Ok::<_, BoxError>(request.body().0 == 7) });
/// # futures::executor::block_on(async {
/// assert!(reception.verify(Request::new(Badge(7))).await?);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub fn verifier_fn<C, F, Fut, E>(f: F) -> impl Verifier<C>
// A named type would show the compiler `E` wherever a server's task has to be `Send`, and it does not accept that a
// `BoxError` becomes one (rust-lang/rust#64552).
where
    C: Credential,
    F: Fn(Request<C>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<C::Verdict, E>>,
    Fut: Send, // what the `async` block holds across an `.await` must be `Send`
    E: Into<BoxError>,
{
    VerifierFn { f }
}

struct VerifierFn<F> {
    f: F,
}

impl<C, F, Fut, E> Verifier<C> for VerifierFn<F>
where
    C: Credential,
    F: Fn(Request<C>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<C::Verdict, E>> + Send,
    E: Into<BoxError>,
{
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        (self.f)(request).await.map_err(Into::into)
    }
}

/// Any verifier of `C`, behind one type: for a choice made at run time, or a struct that should not be generic.
///
/// It costs one allocation a check. Clones share the verifier.
///
/// ```
/// use http::Request;
/// use tower_verify::{BoxError, Credential, SharedVerifier, verifier_fn};
///
/// struct Badge(u32);
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
///
/// let everyone = SharedVerifier::new(verifier_fn(|_: Request<Badge>| async { Ok::<_, BoxError>(true) }));
/// let nobody = SharedVerifier::new(verifier_fn(|_: Request<Badge>| async { Ok::<_, BoxError>(false) }));
/// let verifier: SharedVerifier<Badge> = if cfg!(test) { everyone } else { nobody };
/// ```
pub struct SharedVerifier<C> {
    verifier: Arc<dyn ErasedVerifier<C>>,
}

impl<C: Credential> SharedVerifier<C> {
    /// Erases the type of `verifier`.
    pub fn new(verifier: impl Verifier<C>) -> Self {
        Self { verifier: Arc::new(verifier) }
    }
}

impl<C: Credential> Verifier<C> for SharedVerifier<C> {
    fn verify(&self, request: Request<C>) -> impl Future<Output = Result<C::Verdict, BoxError>> + Send {
        self.verifier.verify_boxed(request)
    }
}

impl<C> Clone for SharedVerifier<C> {
    fn clone(&self) -> Self {
        Self { verifier: Arc::clone(&self.verifier) }
    }
}

impl<C> fmt::Debug for SharedVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedVerifier").finish_non_exhaustive()
    }
}

type BoxVerification<'a, C> = Pin<Box<dyn Future<Output = Result<<C as Credential>::Verdict, BoxError>> + Send + 'a>>;

trait ErasedVerifier<C>: Send + Sync {
    fn verify_boxed(&self, request: Request<C>) -> BoxVerification<'_, C>
    where
        C: Credential;
}

impl<C: Credential, V: Verifier<C>> ErasedVerifier<C> for V {
    fn verify_boxed(&self, request: Request<C>) -> BoxVerification<'_, C> {
        Box::pin(self.verify(request))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use static_assertions::assert_impl_all;

    use super::*;

    struct Number(u32);

    impl Credential for Number {
        type Verdict = bool;
    }

    assert_impl_all!(SharedVerifier<Number>: Send, Sync, Clone, fmt::Debug);

    struct Even;

    impl Verifier<Number> for Even {
        async fn verify(&self, request: Request<Number>) -> Result<bool, BoxError> {
            Ok(request.body().0.is_multiple_of(2))
        }
    }

    fn ask(verifier: &impl Verifier<Number>, number: u32) -> bool {
        verifier.verify(Request::new(Number(number))).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn every_wrapping_gives_the_same_verdict() {
        let boxed = SharedVerifier::new(Even);
        for number in [1, 2] {
            let verdict = number == 2;
            assert_eq!(ask(&Even, number), verdict);
            assert_eq!(ask(&Arc::new(Even), number), verdict);
            assert_eq!(ask(&Box::new(Even), number), verdict);
            assert_eq!(ask(&boxed.clone(), number), verdict);
            assert_eq!(ask(&Arc::new(boxed.clone()), number), verdict);
        }
    }
}
