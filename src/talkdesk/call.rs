use std::{fmt, marker::PhantomData};

use super::Credentials;
use crate::{Credential, Verdict};

/// The credential of a call that Talkdesk makes after the activation: see [`LaterCalls`](super::LaterCalls).
///
/// `P` is the principal that the fields stand for: a type of yours, such as the account. `A` is the type that `auth` is
/// decoded into: [`Credentials`] or an [`Auth<T>`](super::Auth).
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     talkdesk::{Call, CallVerdict, Credentials},
/// };
///
/// struct Bridge;
///
/// impl Verifier<Call<u32>> for Bridge {
///     async fn verify(&self, request: Request<Call<u32>>) -> Result<CallVerdict<u32>, BoxError> {
///         Ok(match request.body().auth.text("token") {
///             Some(token) if *token == "123456789" => CallVerdict::Verified(12),
///             _ => CallVerdict::Denied,
///         })
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let call = Call::new(Credentials::new().with("token", "123456789"));
/// assert_eq!(Bridge.verify(Request::new(call)).await?, CallVerdict::Verified(12));
///
/// let call = Call::new(Credentials::new().with("token", "987654321"));
/// assert_eq!(Bridge.verify(Request::new(call)).await?, CallVerdict::Denied);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub struct Call<P, A = Credentials> {
    /// `auth`: the fields of the activation, merged with the parameters that its grant returned.
    pub auth: A,
    principal: PhantomData<fn() -> P>,
}

impl<P, A> Call<P, A> {
    /// A call with these fields, for example in a test of a verifier.
    pub fn new(auth: A) -> Self {
        Self { auth, principal: PhantomData }
    }
}

impl<P: Send + 'static, A: Send + 'static> Credential for Call<P, A> {
    type Verdict = CallVerdict<P>;
}

impl<P, A: Clone> Clone for Call<P, A> {
    fn clone(&self) -> Self {
        Self::new(self.auth.clone())
    }
}

impl<P, A: fmt::Debug> fmt::Debug for Call<P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("auth", &self.auth).finish()
    }
}

/// The verdict on a [`Call`]: its principal, or a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallVerdict<P> {
    /// The fields are good and stand for this principal.
    Verified(P),
    /// The fields are not good, or no longer good.
    Denied,
}

impl<P: Send + 'static> Verdict for CallVerdict<P> {
    fn admits(&self) -> bool {
        matches!(self, Self::Verified(_))
    }
}
