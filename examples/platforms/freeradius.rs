//! FreeRADIUS's `rlm_rest` in the section `authenticate`: `GET /user/{name}/mac/{station}` with the name and the
//! password in `Authorization`.
//!
//! * **Reads as admitted:** every 2xx, whatever its body, an HTML page too (`rlm_rest.c`).
//! * **Keeps out:** 3xx, 401 (reject), 403 (locked), 404 (not found), 5xx (failed), no answer within the section's
//!   `timeout`. There is no retry.
//! * **Configure:** `auth = 'basic'` in the section, or no password is sent at all; `Auth-Type := rest` in the server's
//!   `authorize`, so that this answer decides.
//! * **Opens:** `rest { fail = 1 }` before a module that succeeds admits when there is no answer. `rest` in `authorize`
//!   asks about a name without a password, and there a body in JSON sets attributes: `{"control:Auth-Type": "Accept"}`
//!   admits.
//! * **Trap:** the path has the name percent-encoded, `john%40example.com`: compare it decoded.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
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
        if wire::path::segment(head.uri.path(), 1)?.is_none_or(|named| user != *named) {
            return Err(Rejection::malformed("the path names another user than `Authorization`"));
        }
        Ok(Login { user, password })
    }

    fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Failed(_) => wire::response::empty(StatusCode::SERVICE_UNAVAILABLE),
            _ => wire::response::unauthorized(r#"Basic realm="radius""#),
        }
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
