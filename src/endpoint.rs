//! A platform's contract, as the layer sees it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request::Parts};

use crate::{Credential, Outcome, Rejection, Route};

/// How a credential is read from a request, and how everything but a positive verdict is answered.
///
/// It is the half of a platform's contract that an [`Endpoint`] and a [guard](crate::layer::GuardContract) have in
/// common.
///
/// A badge number in a header, and an empty `403` for everything but a positive verdict:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode, request::Parts};
/// use tower_verify::{Contract, Credential, Outcome, Rejection, Secret, wire::response};
///
/// struct Badge(Secret);
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
///
/// struct Turnstile;
///
/// impl Contract for Turnstile {
///     type Credential = Badge;
///     type Context = ();
///     const NAME: &'static str = "turnstile";
///
///     fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<Badge, Rejection> {
///         let badge = head.headers.remove("badge").ok_or(Rejection::no_credential("there is no badge"))?;
///         let badge = badge.to_str().map_err(|_| Rejection::malformed("the badge is not text"))?;
///         Ok(Badge(badge.into()))
///     }
///
///     fn refused(&self, _outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
///         response::empty(StatusCode::FORBIDDEN)
///     }
/// }
///
/// let (mut head, ()) = Request::post("/badge").header("badge", "605b32dd").body(())?.into_parts();
/// let Badge(number) = Turnstile.decode(&mut head, Bytes::new(), &mut ())?;
/// assert_eq!(number, "605b32dd");
/// assert!(head.headers.is_empty());
/// assert_eq!(Turnstile.refused(Outcome::Verdict(false), ()).status(), 403);
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Contract`",
    label = "does not say how a credential is read",
    note = "the first argument of `VerifyLayer::new` is the endpoint, the second one its verifier",
    note = "the endpoints of this crate are in `talkdesk`, `diyalog` and `taptalk`; your own implements `Contract` and `Endpoint`"
)]
pub trait Contract: Send + Sync + 'static {
    /// The credential that the platform submits to be checked.
    type Credential: Credential;

    /// Data that a response needs from its request, such as an API version or an id to echo. `()` if there is none.
    ///
    /// [`decode`](Self::decode) fills it in. A request that was refused before it was decoded has the default.
    type Context: Default + Send + 'static;

    /// The name of the endpoint in failures, logs and metrics, such as `"diyalog.customer"`.
    const NAME: &'static str;

    /// Whether the body is read before [`decode`](Self::decode). The default is `true`.
    ///
    /// If it is `false`, `decode` gets an empty body, no [limit](crate::VerifyLayer::body_limit) applies, and a guard
    /// forwards the body as it arrives. Use `false` for a credential in a header, in front of uploads or upgrades.
    const READS_BODY: bool = true;

    /// Reads the credential from a request. `body` is complete and within the limit.
    ///
    /// The verifier, and the app behind a guard, get `head` as it is left here. Take a credential in a header or in the
    /// query out of `head`, so that a log of the request does not show it: see [`wire`](crate::wire). Extensions in
    /// which a host keeps the original URI, such as axum's `OriginalUri`, still have its query.
    ///
    /// # Errors
    /// If the request does not have the form that the contract requires. Then the verifier is not called.
    fn decode(&self, head: &mut Parts, body: Bytes, context: &mut Self::Context)
    -> Result<Self::Credential, Rejection>;

    /// The response to everything but a positive verdict, which the platform must not read as admitted.
    ///
    /// The layer never passes a positive verdict here. It adds `Cache-Control: no-store` if the response has no
    /// `Cache-Control` of its own.
    fn refused(
        &self,
        outcome: Outcome<<Self::Credential as Credential>::Verdict>,
        context: Self::Context,
    ) -> Response<Bytes>;
}

/// A route that a platform calls: where it is, and how a positive verdict is answered.
///
/// A whole platform in a few lines: it sends a badge number in a header and reads `204` as admitted.
///
/// ```
/// use bytes::Bytes;
/// use http::{Method, Response, StatusCode, request::Parts};
/// use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire::response};
///
/// struct Badge(Secret);
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
///
/// struct Turnstile;
///
/// impl Contract for Turnstile {
///     type Credential = Badge;
///     type Context = ();
///     const NAME: &'static str = "turnstile";
///
///     fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<Badge, Rejection> {
///         let badge = head.headers.remove("badge").ok_or(Rejection::no_credential("there is no badge"))?;
///         let badge = badge.to_str().map_err(|_| Rejection::malformed("the badge is not text"))?;
///         Ok(Badge(badge.into()))
///     }
///
///     fn refused(&self, _outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
///         response::empty(StatusCode::FORBIDDEN)
///     }
/// }
///
/// impl Endpoint for Turnstile {
///     fn route(&self) -> Route {
///         Route::from_static(Method::POST, "/badge")
///     }
///
///     fn admitted(&self, _verdict: bool, (): ()) -> Response<Bytes> {
///         response::empty(StatusCode::NO_CONTENT)
///     }
/// }
///
/// assert_eq!(Outcome::Verdict(true).respond(&Turnstile, ()).status(), 204);
/// assert_eq!(Outcome::Verdict(false).respond(&Turnstile, ()).status(), 403);
/// assert_eq!(Outcome::from(Rejection::malformed("no badge")).respond(&Turnstile, ()).status(), 403);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `Endpoint`",
    label = "not one of the routes that a platform calls",
    note = "the first argument of `VerifyLayer::new` is the endpoint, the second one its verifier",
    note = "the endpoints of this crate are in `talkdesk`, `diyalog` and `taptalk`; your own implements `Contract` and `Endpoint`"
)]
pub trait Endpoint: Contract {
    /// The documented route. The layer asks for it once, when it is built;
    /// [`VerifyLayer::route`](crate::VerifyLayer::route) and [`VerifyLayer::path`](crate::VerifyLayer::path) replace
    /// it.
    fn route(&self) -> Route;

    /// The response to a positive verdict. The layer calls it for positive verdicts only.
    fn admitted(&self, verdict: <Self::Credential as Credential>::Verdict, context: Self::Context) -> Response<Bytes>;
}

/// Forwards a contract through a pointer.
macro_rules! forward {
    ($($pointer:ident),*) => {$(
        impl<C: Contract> Contract for $pointer<C> {
            type Credential = C::Credential;
            type Context = C::Context;
            const NAME: &'static str = C::NAME;
            const READS_BODY: bool = C::READS_BODY;

            fn decode(
                &self,
                head: &mut Parts,
                body: Bytes,
                context: &mut Self::Context,
            ) -> Result<Self::Credential, Rejection> {
                (**self).decode(head, body, context)
            }

            fn refused(
                &self,
                outcome: Outcome<<Self::Credential as Credential>::Verdict>,
                context: Self::Context,
            ) -> Response<Bytes> {
                (**self).refused(outcome, context)
            }
        }

        impl<E: Endpoint> Endpoint for $pointer<E> {
            fn route(&self) -> Route {
                (**self).route()
            }

            fn admitted(
                &self,
                verdict: <Self::Credential as Credential>::Verdict,
                context: Self::Context,
            ) -> Response<Bytes> {
                (**self).admitted(verdict, context)
            }
        }
    )*};
}

forward!(Arc, Box);
