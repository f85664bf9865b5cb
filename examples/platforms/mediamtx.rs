//! MediaMTX with `authMethod: http`: `POST` in JSON when somebody publishes, reads, or opens the API.
//!
//! * **Reads as admitted:** every 2xx, whatever its body (`internal/auth/manager.go`). Go follows redirects: a login
//!   page at their end admits.
//! * **Keeps out:** every other status, and no answer within `readTimeout`; the client waits two seconds more. There is
//!   no retry.
//! * **The first call of many clients has no credentials**, and 401 makes MediaMTX ask for them. Without the 401, no
//!   player ever shows its password.
//! * **Configure:** `authHTTPAddress` with this URL. RTSP must be set to `basic`, as a digest cannot be checked here.
//! * **Opens:** nobody is asked about what `authHTTPExclude` lists: `api`, `metrics` and `pprof` by default.
//! * **Trap:** one question for all: the action says what it is about. A good password for reading must not publish.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// Somebody who wants to use a stream.
pub(crate) struct Viewer {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
    /// `publish`, `read`, `playback`, `api`, `metrics` or `pprof`.
    pub(crate) action: Secret,
    pub(crate) path: Secret,
}

impl Credential for Viewer {
    type Verdict = bool;
}

pub(crate) struct MediaMtx;

impl Contract for MediaMtx {
    type Credential = Viewer;
    type Context = ();
    const NAME: &'static str = "mediamtx";

    fn decode(&self, _: &mut Parts, body: Bytes, (): &mut ()) -> Result<Viewer, Rejection> {
        match wire::json::secrets(&wire::text(body)?, &["user", "password", "action", "path"])? {
            [Some(user), Some(password), ..] if user.is_empty() && password.is_empty() => {
                Err(Rejection::no_credential("there is neither a user nor a password"))
            }
            [Some(user), Some(password), Some(action), Some(path)] => Ok(Viewer { user, password, action, path }),
            _ => Err(Rejection::malformed("a member is missing")),
        }
    }

    fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Failed(_) => wire::response::empty(StatusCode::SERVICE_UNAVAILABLE),
            _ => wire::response::unauthorized(r#"Basic realm="mediamtx""#),
        }
    }
}

impl Endpoint for MediaMtx {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/mediamtx")
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        wire::response::empty(StatusCode::NO_CONTENT)
    }
}
