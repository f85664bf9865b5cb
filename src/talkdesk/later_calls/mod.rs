use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use http::{Response, StatusCode, request::Parts};

use super::{Call, CallVerdict, Credentials, Fields, decode, refusal::Refusal};
use crate::{ConfigError, Contract, GuardContract, Outcome, Rejection};

/// The contract of the calls that Talkdesk makes after an activation, for a [`GuardLayer`](crate::GuardLayer).
///
/// Only a call whose `auth` is verified reaches the app. It has its principal, a `P`, in its extensions: `Extension<P>`
/// in axum, `request.extensions().get::<P>()` elsewhere. A `P` that is there already is replaced.
///
/// | outcome | response |
/// |---|---|
/// | verified | the app's |
/// | denied; `auth` missing or malformed; not JSON; a caller without the [secret](crate::GuardLayer::caller_secret) required of it | `401` |
/// | no verdict | `503`, or [another status](Self::no_verdict_status); with `Retry-After` if the verifier was not called because of too many failed attempts |
/// | body too large | `413` |
///
/// Refusals have the form of the [`Validator`](super::Validator)'s: an error of RFC 6749 in JSON, and a challenge with
/// every `401`. For an `oauth2` integration, Talkdesk reacts to a `401` by refreshing the access token and repeating
/// the call once. An outage of yours is therefore not answered with `401`: that would use up refresh tokens and double
/// the load.
///
/// `P` is the principal. `A` is the type that `auth` is decoded into: [`Credentials`], or an [`Auth<T>`](super::Auth).
///
/// Source: Talkdesk's "Contact Synchronization", "Agent Synchronization", "Contact Activity" and "Action Executor".
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_verify::{
///     BoxError, GuardLayer,
///     talkdesk::{Call, CallVerdict, LaterCalls},
///     verifier_fn,
/// };
///
/// #[derive(Clone)]
/// struct Account(&'static str);
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|call: Request<Call<Account>>| async move {
///     Ok::<_, BoxError>(match call.body().auth.text("api_key") {
///         Some(api_key) if *api_key == "605b32dd" => CallVerdict::Verified(Account("john")),
///         _ => CallVerdict::Denied,
///     })
/// });
/// let agents = service_fn(|call: Request<_>| async move {
///     let Account(name) = call.extensions().get().cloned().ok_or("the guard has added no principal")?;
///     Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(format!(r#"{{"agents": [], "for": "{name}"}}"#))))
/// });
/// let app = ServiceBuilder::new().layer(GuardLayer::new(LaterCalls::new(), verifier)).service(agents);
///
/// let body = String::from(r#"{"auth": {"api_key": "605b32dd"}, "meta": {"offset": null}}"#);
/// assert_eq!(app.clone().oneshot(Request::post("/agents").body(body)?).await?.status(), 200);
/// assert_eq!(app.oneshot(Request::post("/agents").body(String::from("{}"))?).await?.status(), 401);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub struct LaterCalls<P, A = Credentials> {
    refusal: Refusal,
    call: PhantomData<fn() -> Call<P, A>>,
}

impl<P, A> LaterCalls<P, A> {
    /// The contract as documented.
    pub fn new() -> Self {
        // Contract: TD-25.
        Self { refusal: Refusal::new(StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE), call: PhantomData }
    }

    /// Responds with another status than `503` when there is no verdict.
    ///
    /// # Errors
    /// If `status` is not 4xx or 5xx.
    pub fn no_verdict_status(mut self, status: StatusCode) -> Result<Self, ConfigError> {
        self.refusal.no_verdict_status(status)?;
        Ok(self)
    }
}

impl<P, A> Contract for LaterCalls<P, A>
where
    P: Clone + Send + Sync + 'static,
    A: Fields,
{
    type Credential = Call<P, A>;
    type Context = ();
    const NAME: &'static str = "talkdesk.later_calls";

    // Contract: TD-20, TD-21, TD-22, TD-23.
    fn decode(&self, _head: &mut Parts, body: Bytes, (): &mut ()) -> Result<Call<P, A>, Rejection> {
        decode::auth(body).map(Call::new)
    }

    // Contract: TD-24.
    fn refused(&self, outcome: Outcome<CallVerdict<P>>, (): ()) -> Response<Bytes> {
        self.refusal.refused(&outcome)
    }
}

impl<P, A> GuardContract for LaterCalls<P, A>
where
    P: Clone + Send + Sync + 'static,
    A: Fields,
{
    fn admitted(&self, verdict: CallVerdict<P>, head: &mut Parts) {
        head.extensions.remove::<P>();
        if let CallVerdict::Verified(principal) = verdict {
            head.extensions.insert(principal);
        }
    }
}

impl<P, A> Default for LaterCalls<P, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, A> Clone for LaterCalls<P, A> {
    fn clone(&self) -> Self {
        Self { refusal: self.refusal.clone(), call: PhantomData }
    }
}

impl<P, A> fmt::Debug for LaterCalls<P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaterCalls").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
