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
/// `bool` is a verdict for platforms that know only yes and no. `Option<T>` is one for platforms that ask whose
/// credential it is. A platform with several kinds of denial needs a type of its own:
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

    /// The name of a negative verdict in logs and metrics, such as `expired_token`. The default is `denied`.
    ///
    /// It is a word of the contract and contains no value of the credential. It is not called for positive verdicts.
    fn name(&self) -> &'static str {
        "denied"
    }
}

/// For platforms that know only yes and no.
impl Verdict for bool {
    fn admits(&self) -> bool {
        *self
    }
}

/// For platforms that ask whose credential it is: the principal of a good credential, or `None`.
impl<T: Send + 'static> Verdict for Option<T> {
    fn admits(&self) -> bool {
        self.is_some()
    }
}

/// Decides whether a credential is good. The app supplies it.
///
/// A verdict, positive or negative, is `Ok`. An error means that there is no verdict, for example because the database
/// is unavailable: the platform is told that the credential is not admitted. A malformed request never reaches the
/// verifier.
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
    /// The request's method, URI, version, headers and extensions are those that arrived, without the parts that the
    /// endpoint took out as the credential.
    ///
    /// The future must be `Send`, because a server moves its tasks between threads. It must not hold an `Rc`, a borrow
    /// of a `RefCell` or a lock of `std` across an `.await`.
    ///
    /// # Errors
    /// If there is no verdict. The platform is told so in its own vocabulary. The text of the error is never sent.
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

/// Makes a verifier of an async closure or function.
///
/// Its future must be `Send`, as that of [`Verifier::verify`]. To share the verifier, put it into an `Arc` or a
/// [`SharedVerifier`].
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
// With a named type, the compiler would have to prove inside of a server's `Send` task that `E` becomes a `BoxError`,
// which it cannot (rust-lang/rust#64552).
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
/// It costs one allocation per check. Clones share the verifier.
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
    fn a_verdict_without_a_name_of_its_own_is_a_denial() {
        assert_eq!((false.name(), None::<()>.name()), ("denied", "denied"));
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
