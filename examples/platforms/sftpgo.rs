//! SFTPGo's `external_auth_hook`: `POST` in JSON when somebody logs in by SFTP, FTP, WebDAV or in the browser.
//!
//! * **Reads as admitted:** status 200 with an account in JSON, which is then created or changed; and **status 200 with
//!   an empty body**, for an account that exists: the password that was tried is stored as the new one
//!   (`internal/dataprovider/dataprovider.go`).
//! * **Keeps out:** every other status, an account whose `username` is empty or missing, no answer. Go follows
//!   redirects: a login page at their end is no JSON and keeps out, an empty page lets in. There is no retry.
//! * **Configure:** `external_auth_hook` with this URL, `external_auth_scope` 1 for passwords alone. The call has the
//!   stored account in it, which can be larger than the 16 KiB that the layer reads: see `VerifyLayer::body_limit`.
//! * **Opens:** an account with the hook disabled (`filters.hooks.external_auth_disabled`) has only its stored
//!   password. Any app that answers 200 to an unknown path admits every account: keep the path exact.
//! * **Trap:** a login by key has an empty password. Here an empty one is none. The account gets every right that the
//!   answer names: take it from your database, and its name with it.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde_json::Value;
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// Somebody who logs in.
pub(crate) struct Login {
    pub(crate) user: Secret,
    pub(crate) by: By,
}

pub(crate) enum By {
    Password(Secret),
    PublicKey(Secret),
}

impl Credential for Login {
    type Verdict = Option<Value>; // the account, as SFTPGo's API describes it
}

pub(crate) struct SftpGo;

impl Contract for SftpGo {
    type Credential = Login;
    type Context = ();
    const NAME: &'static str = "sftpgo";

    fn decode(&self, _: &mut Parts, body: Bytes, (): &mut ()) -> Result<Login, Rejection> {
        let members = wire::json::secrets(&wire::text(body)?, &["username", "password", "public_key"])?;
        match members.map(|member| member.filter(|text| !text.is_empty())) {
            [Some(user), Some(password), None] => Ok(Login { user, by: By::Password(password) }),
            [Some(user), None, Some(key)] => Ok(Login { user, by: By::PublicKey(key) }),
            _ => Err(Rejection::no_credential("there must be a user, and either a password or a public key")),
        }
    }

    fn refused(&self, outcome: Outcome<Option<Value>>, (): ()) -> Response<Bytes> {
        let failed = matches!(outcome, Outcome::Failed(_));
        wire::response::empty(if failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN })
    }
}

impl Endpoint for SftpGo {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/sftpgo")
    }

    fn admitted(&self, account: Option<Value>, (): ()) -> Response<Bytes> {
        wire::response::json(StatusCode::OK, &account)
    }
}
