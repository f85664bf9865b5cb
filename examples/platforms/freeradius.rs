//! FreeRADIUS's `rlm_rest`: `GET /user/{name}/…` with the password in `Authorization`; 204 admits.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// A user who logs in to the network.
pub(crate) struct Login {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

impl Credential for Login {
    type Verdict = bool;
}

pub(crate) struct FreeRadius;

impl Contract for FreeRadius {
    type Credential = Login;
    type Context = ();
    const NAME: &'static str = "freeradius";

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<Login, Rejection> {
        let (user, password) = wire::basic::take(&mut head.headers)?;
        let named = head.uri.path().split('/').nth(2).unwrap_or_default();
        if user != named {
            return Err(Rejection::malformed("the path names another user than `Authorization`"));
        }
        Ok(Login { user, password })
    }

    fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
        if let Outcome::Failed(_) = outcome {
            return wire::response::empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        let mut response = wire::response::empty(StatusCode::UNAUTHORIZED);
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"radius\""));
        response
    }
}

impl Endpoint for FreeRadius {
    fn route(&self) -> Route {
        Route::prefix("/user/").expect("a path").methods([Method::GET])
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        wire::response::empty(StatusCode::NO_CONTENT)
    }
}
