use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::request::Parts;

use crate::BoxError;

/// A check of the caller that needs the body, such as a signature over it.
///
/// It runs after the body is read, under the same limits and deadline, and before the credential is decoded. What the
/// caller sent is untrusted until then.
///
/// ```
/// use bytes::Bytes;
/// use http::request::Parts;
/// use tower_verify::{BoxError, CallerCheck};
///
/// struct Signed;
///
/// impl CallerCheck for Signed {
///     async fn check(&self, head: &mut Parts, body: &Bytes) -> Result<bool, BoxError> {
///         let Some(signature) = head.headers.remove("x-signature") else { return Ok(false) };
///         Ok(signature.as_bytes() == sign(body))
///     }
/// }
/// # fn sign(_: &Bytes) -> &'static [u8] { b"" }
/// ```
pub trait CallerCheck: Send + Sync + 'static {
    /// Whether the caller is known. It may take its credential out of `head`, so that the verifier does not see it.
    ///
    /// # Errors
    /// If it cannot be said now. The request fails, and the platform is never told what the error says.
    fn check(&self, head: &mut Parts, body: &Bytes) -> impl Future<Output = Result<bool, BoxError>> + Send;
}

/// A [`CallerCheck`] of any type.
#[derive(Clone)]
pub(crate) struct SharedCallerCheck(Arc<dyn ErasedCallerCheck>);

type Checking<'a> = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send + 'a>>;

impl SharedCallerCheck {
    pub(crate) fn new(check: impl CallerCheck) -> Self {
        Self(Arc::new(check))
    }

    pub(crate) async fn check(&self, head: &mut Parts, body: &Bytes) -> Result<bool, BoxError> {
        self.0.check_boxed(head, body).await
    }
}

trait ErasedCallerCheck: Send + Sync {
    fn check_boxed<'a>(&'a self, head: &'a mut Parts, body: &'a Bytes) -> Checking<'a>;
}

impl<C: CallerCheck> ErasedCallerCheck for C {
    fn check_boxed<'a>(&'a self, head: &'a mut Parts, body: &'a Bytes) -> Checking<'a> {
        Box::pin(self.check(head, body))
    }
}
