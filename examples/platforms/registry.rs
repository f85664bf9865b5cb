//! Token server of a container registry (`auth.token` of Docker's registry): `GET /token?service=…&scope=…` with the
//! user and the password in `Authorization`; the answer has a signed token, which the client hands to the registry.
//!
//! * **Reads as admitted:** the client takes `token` (or `access_token`) out of a 2xx. The registry asks nobody: it
//!   checks the token's signature, issuer, audience, time and `access` (`registry/auth/token/token.go`).
//! * **Keeps out:** 401 makes the client say that the password is wrong; other statuses and no answer are errors. The
//!   registry goes on with the tokens that it has seen: one that was given out counts until it expires, and 60 s
//!   longer.
//! * **Configure:** `realm` is this path, by HTTPS; `service`, `issuer` and `rootcertbundle` as in the token.
//! * **Opens:** a token that repeats the scopes that were asked for. Ask what the user may do, and sign that; to grant
//!   less, or nothing, is no error. `auth.silly` admits every request that has an `Authorization`.
//! * **Traps:** `scope` may be given more than once. A client without a password asks for what everybody may do; here
//!   it is refused. A client assumes that a token lasts 60 s, so let it last longer.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde_json::json;
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// A user who wants a token.
pub(crate) struct Asked {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
    pub(crate) service: Secret,
    /// Such as `repository:library/debian:pull,push`.
    pub(crate) scopes: Vec<String>,
}

impl Credential for Asked {
    type Verdict = Option<Secret>; // the token
}

pub(crate) struct Registry;

impl Contract for Registry {
    type Credential = Asked;
    type Context = ();
    const NAME: &'static str = "registry";

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Asked, Rejection> {
        let (user, password) = wire::basic::take(&mut head.headers)?;
        let query = wire::query::take(&mut head.uri)?;
        let [service] = wire::query::secrets(&query, &["service"])?;
        let service = service.ok_or(Rejection::malformed("`service` is missing").with_field("service"))?;
        let scopes = wire::query::all(&query, "scope")?.into_iter().map(Into::into).collect();
        Ok(Asked { user, password, service, scopes })
    }

    fn refused(&self, outcome: Outcome<Option<Secret>>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Failed(_) => wire::response::empty(StatusCode::SERVICE_UNAVAILABLE),
            _ => wire::response::unauthorized(r#"Basic realm="registry""#),
        }
    }
}

impl Endpoint for Registry {
    fn route(&self) -> Route {
        Route::from_static(Method::GET, "/token")
    }

    fn admitted(&self, token: Option<Secret>, (): ()) -> Response<Bytes> {
        let token = token.as_ref().map(Secret::expose_secret);
        wire::response::json(StatusCode::OK, &json!({"token": token}))
    }
}
