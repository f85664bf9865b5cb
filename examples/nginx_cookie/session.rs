//! The cookie of a session, and the check of it for nginx's `auth_request`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use tower_verify::{
    BoxError, Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, Verifier,
    store::MemoryStore,
    token::{KeyRing, Register, Signer},
    wire::{self, response},
};

/// With this prefix, a browser takes the cookie from this host alone, over TLS, and for all paths.
const COOKIE: &str = "__Host-session";
/// No script reads the cookie, and no form or frame of another site sends it.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The cookies that are good. After a logout, the user's are good no more, wherever they are.
#[derive(Clone)]
pub(crate) struct Sessions {
    register: Register<Arc<MemoryStore>>,
    lifetime: Duration,
}

/// The content of the cookie: a user, a colon and a token that was issued for this user.
pub(crate) struct Session {
    user: Secret,
    token: Secret,
}

impl Credential for Session {
    type Verdict = Option<HeaderValue>; // the user
}

impl Session {
    /// Takes the cookie out of the headers.
    pub(crate) fn take(headers: &mut HeaderMap) -> Result<Self, Rejection> {
        let cookie = wire::cookie::take(headers, COOKIE)?;
        let (user, token) =
            cookie.expose_secret().split_once(':').ok_or(Rejection::malformed("the cookie has no user"))?;
        Ok(Self { user: user.into(), token: token.into() })
    }
}

impl Sessions {
    pub(crate) fn new(keys: KeyRing, lifetime: Duration) -> Result<Self, BoxError> {
        let signer = Signer::new("site", "session", "", keys)?;
        Ok(Self { register: Register::new(signer, Arc::default(), lifetime), lifetime })
    }

    /// Begins a session of `user`, and returns its cookie for `Set-Cookie`.
    pub(crate) async fn begin(&self, user: &str) -> Result<HeaderValue, BoxError> {
        let token = self.register.issue(user.as_bytes(), &[]).await?.token;
        let (value, seconds) = (token.expose_secret(), self.lifetime.as_secs());
        let mut cookie = HeaderValue::try_from(format!("{COOKIE}={user}:{value}; Max-Age={seconds}; {ATTRIBUTES}"))?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }

    /// Ends all sessions of the user whose cookie this is, and returns the cookie that removes it.
    pub(crate) async fn end(&self, session: Session) -> Result<HeaderValue, BoxError> {
        if self.user(&session).await?.is_some() {
            self.register.revoke(session.user.expose_secret().as_bytes()).await?;
        }
        Ok(HeaderValue::try_from(format!("{COOKIE}=; Max-Age=0; {ATTRIBUTES}"))?)
    }

    async fn user(&self, Session { user, token }: &Session) -> Result<Option<HeaderValue>, BoxError> {
        let checked = self.register.check(user.expose_secret().as_bytes(), token.expose_secret(), &[]).await?;
        Ok(checked.ok().map(|_| user.expose_secret().parse()).transpose()?)
    }
}

impl Verifier<Session> for Sessions {
    async fn verify(&self, request: Request<Session>) -> Result<Option<HeaderValue>, BoxError> {
        self.user(request.body()).await
    }
}

/// The question of nginx: whose cookie is this? It reads 2xx as good, and 401 as not. It makes 500 of all else.
pub(crate) struct SiteCheck;

impl Contract for SiteCheck {
    type Credential = Session;
    type Context = ();
    const NAME: &'static str = "site.check";
    const READS_BODY: bool = false;

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Session, Rejection> {
        Session::take(&mut head.headers)
    }

    fn refused(&self, outcome: Outcome<Option<HeaderValue>>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Failed(_) => response::empty(StatusCode::SERVICE_UNAVAILABLE),
            _ => response::unauthorized("Cookie"),
        }
    }
}

impl Endpoint for SiteCheck {
    fn route(&self) -> Route {
        Route::from_static(Method::GET, "/check")
    }

    fn admitted(&self, user: Option<HeaderValue>, (): ()) -> Response<Bytes> {
        let mut response = response::empty(StatusCode::OK);
        response.headers_mut().extend(user.map(|user| (HeaderName::from_static("x-auth-user"), user)));
        response
    }
}
