use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::request::Parts;

use crate::BoxError;

/// A check of the caller that needs the whole request.
///
/// [`CallerSignature`](crate::CallerSignature) is one, for HMAC-SHA-256 over the body. Implement this trait for a platform
/// that signs in another way.
///
/// It runs after the body is read, under the same limits and deadline, and before the credential is decoded. Until
/// then, trust nothing that the caller sent. Set the check with
/// [`VerifyLayer::caller_check`](crate::VerifyLayer::caller_check).
///
/// ```
/// use base64::{Engine, engine::general_purpose::STANDARD};
/// use bytes::Bytes;
/// use hmac::{Hmac, KeyInit, Mac};
/// use http::{Request, request::Parts};
/// use sha2::Sha256;
/// use tower_verify::{BoxError, CallerCheck};
///
/// /// Accepts a request whose path and body are signed with HMAC-SHA-256. The platform has the same key.
/// struct Signed {
///     key: [u8; 32],
/// }
///
/// impl Signed {
///     fn mac(&self, head: &Parts, body: &Bytes) -> Hmac<Sha256> {
///         let mac: Hmac<Sha256> = Hmac::new_from_slice(&self.key).expect("HMAC takes a key of any length");
///         mac.chain_update(head.uri.path()).chain_update("\n").chain_update(body)
///     }
/// }
///
/// impl CallerCheck for Signed {
///     async fn check(&self, head: &mut Parts, body: &Bytes) -> Result<bool, BoxError> {
///         let Some(signature) = head.headers.remove("x-signature") else { return Ok(false) };
///         let Ok(signature) = STANDARD.decode(signature) else { return Ok(false) };
///         Ok(self.mac(head, body).verify_slice(&signature).is_ok()) // compares in constant time
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let (signed, body) = (Signed { key: [7; 32] }, Bytes::from("{}"));
/// let (mut head, ()) = Request::post("/checkauthtoken").body(())?.into_parts();
/// let signature = STANDARD.encode(signed.mac(&head, &body).finalize().into_bytes());
/// head.headers.insert("x-signature", signature.parse()?);
///
/// assert!(signed.check(&mut head, &body).await?);
/// assert!(!signed.check(&mut head, &body).await?, "the first check removed the header");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub trait CallerCheck: Send + Sync + 'static {
    /// Returns whether the caller is known.
    ///
    /// The check may remove the caller's own credential from `head`, so that the verifier does not see it.
    ///
    /// # Errors
    /// If the check cannot decide. The request then fails. The platform never sees the text of the error.
    fn check(&self, head: &mut Parts, body: &Bytes) -> impl Future<Output = Result<bool, BoxError>> + Send;
}

/// A type-erased [`CallerCheck`].
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
