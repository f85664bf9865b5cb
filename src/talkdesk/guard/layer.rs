use std::{fmt, marker::PhantomData, sync::Arc};

use http::StatusCode;
use tower_layer::Layer;

use super::{Guard, check::Check};
use crate::{
    CallerSecret, ConfigError, Verifier,
    layer::Protections,
    talkdesk::{Call, Fields, refusal::Refusal},
};

/// Guards the routes of the app that Talkdesk calls after the activation: only a call whose `auth` is verified gets
/// through.
///
/// **Everything that it wraps is guarded**, whatever the path and the method. A verified call is handed on with its body
/// byte for byte as it came, and with its principal, a `P`, in the request's extensions: `Extension<P>` in axum,
/// `request.extensions().get::<P>()` elsewhere. A `P` that is there already is replaced.
///
/// | outcome | answer |
/// |---|---|
/// | verified | the inner service's |
/// | denied; `auth` missing or malformed; not JSON; a caller without the [secret](Self::caller_secret) required of it | `401` |
/// | no verdict | `401`, or [another status](Self::no_verdict_status); with `Retry-After` if the verifier was not asked because of too many failed attempts |
/// | body too large | `413` |
///
/// Its own answers are as the [`Validator`](crate::talkdesk::Validator)'s: an error of RFC 6749 in JSON, a challenge with every
/// `401`, and `Cache-Control: no-store`. To a `401` Talkdesk reacts, for an `oauth2` integration, by refreshing the access
/// token and repeating the call once.
///
/// | protection | default | setter |
/// |---|---|---|
/// | limit of the body | 1 MiB | [`body_limit`](Self::body_limit) |
/// | deadline over reading and verifying together | 5 s | [`deadline`](Self::deadline) |
/// | secret that the caller must present in a header | none | [`caller_secret`](Self::caller_secret) |
/// | panics of the verifier are failures like others | always | |
///
/// The deadline ends with the verdict; what the inner service does is its own affair. The inner service is a
/// `Service<Request<GuardedBody>>` that is `Clone`, as axum's routes are, and any service that is generic over the body.
///
/// The type parameters are the credential, a [`Call<P, A>`](Call), and the verifier.
pub struct GuardLayer<C, V> {
    verifier: Arc<V>,
    protections: Protections,
    refusal: Refusal,
    call: PhantomData<fn() -> C>,
}

impl<P, A, V> GuardLayer<Call<P, A>, V>
where
    P: Clone + Send + Sync + 'static,
    A: Fields,
    V: Verifier<Call<P, A>>,
{
    /// A guard that asks `verifier`. Which fields it asks about, and for which principal, is the verifier's choice: one of
    /// `Call<P>` sees [`Credentials`](crate::talkdesk::Credentials), one of `Call<P, Auth<T>>` a `T`.
    pub fn new(verifier: V) -> Self {
        Self {
            verifier: Arc::new(verifier),
            protections: Protections { body_limit: 1024 * 1024, ..Protections::default() },
            refusal: Refusal::new(StatusCode::UNAUTHORIZED),
            call: PhantomData,
        }
    }
}

impl<C, V> GuardLayer<C, V> {
    /// The most bytes that a request's body may have. The default is 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.protections.body_limit = bytes;
        self
    }

    /// How long reading the body and verifying `auth` may take together. The default is 5 s.
    ///
    /// The timer is tokio's and is armed only when something is pending. A call that has to wait outside of a tokio
    /// runtime with timers enabled fails, as one that ran out of time does.
    #[cfg(feature = "deadline")]
    pub fn deadline(mut self, limit: std::time::Duration) -> Self {
        self.protections.deadline = Some(limit);
        self
    }

    /// Waits for the body and the verifier however long they take.
    #[cfg(feature = "deadline")]
    pub fn without_deadline(mut self) -> Self {
        self.protections.deadline = None;
        self
    }

    /// A secret that the caller must present in a header, such as a proxy of yours can add. By default there is none:
    /// Talkdesk sends none. The header is neither handed to the verifier nor to the inner service.
    pub fn caller_secret(mut self, secret: CallerSecret) -> Self {
        self.protections.caller = Some(secret);
        self
    }

    /// Answers with another status than `401` when there is no verdict, such as `503`: then Talkdesk does not refresh an
    /// access token that may be good.
    ///
    /// # Errors
    /// If `status` is not one of the errors, 400 to 599.
    pub fn no_verdict_status(mut self, status: StatusCode) -> Result<Self, ConfigError> {
        self.refusal.no_verdict_status(status)?;
        Ok(self)
    }
}

impl<S, C, V> Layer<S> for GuardLayer<C, V> {
    type Service = Guard<S, C, V>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::new(
            inner,
            Check {
                verifier: Arc::clone(&self.verifier),
                protections: self.protections.clone(),
                refusal: self.refusal.clone(),
            },
        )
    }
}

impl<C, V> Clone for GuardLayer<C, V> {
    fn clone(&self) -> Self {
        Self {
            verifier: Arc::clone(&self.verifier),
            protections: self.protections.clone(),
            refusal: self.refusal.clone(),
            call: PhantomData,
        }
    }
}

impl<C, V> fmt::Debug for GuardLayer<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer")
            .field("protections", &self.protections)
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}
