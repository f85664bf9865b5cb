//! Icecast's `<authentication type="url">`: `POST` with a form when a listener or a source comes.
//!
//! * **Reads as admitted:** the header line `icecast-auth-user: 1`, in whatever case and **at whatever status**: the
//!   status and the body are never looked at (`auth_url.c`). With an option `auth_header` of your own, a line that
//!   begins with it is enough: `icecast-auth-user: 1` also finds `icecast-auth-user: 10`.
//! * **Keeps out:** every response without that line, no connection, no answer within 15 s. There is no retry.
//! * **Configure:** `listener_add` and `stream_auth` in each `<mount>`, both at this path.
//! * **Opens:** without `listener_add`, every listener is let in and nobody is asked. Without `stream_auth`, a source
//!   needs only the `<source-password>` of the whole server. A mount without a `<mount>` section is open to every
//!   listener, unless there is a `<mount type="default">`.
//! * **Traps:** the credentials of a listener come twice, in the form and in `Authorization`. The mount of a listener
//!   has the query of its URL. Listeners and sources ask at the same path: the action says who it is.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::AUTHORIZATION, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// Somebody who wants to hear a mount, or to send to it.
pub(crate) struct Client {
    pub(crate) sends: bool,
    pub(crate) mount: Secret,
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

impl Credential for Client {
    type Verdict = bool;
}

pub(crate) struct Icecast;

impl Contract for Icecast {
    type Credential = Client;
    type Context = ();
    const NAME: &'static str = "icecast";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<Client, Rejection> {
        head.headers.remove(AUTHORIZATION);
        let form = wire::text(body)?;
        let values = wire::query::secrets(&form, &["action", "mount", "user", "pass"])?;
        let [Some(action), Some(mount), Some(user), Some(password)] = values else {
            return Err(Rejection::malformed("a parameter is missing"));
        };
        let sends = action == "stream_auth";
        if !sends && action != "listener_add" {
            return Err(Rejection::malformed("`action` must be \"listener_add\" or \"stream_auth\""));
        }
        Ok(Client { sends, mount, user, password })
    }

    fn refused(&self, _: Outcome<bool>, (): ()) -> Response<Bytes> {
        wire::response::empty(StatusCode::FORBIDDEN)
    }
}

impl Endpoint for Icecast {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/icecast")
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        let mut response = wire::response::empty(StatusCode::OK);
        response.headers_mut().insert("icecast-auth-user", HeaderValue::from_static("1"));
        response
    }
}
