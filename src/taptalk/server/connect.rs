use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::taptalk::{
    wire::api_key::APP_KEY,
    wire::bearer,
    wire::code::Code,
    wire::envelope::{Nothing, Writer, mirror_status_setter},
};
use crate::{Contract, Credential, Endpoint, Failure, Outcome, Rejection, Route, Secret, Verdict, wire::query};

/// An app's question whether its access token is still good.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessCheck {
    /// The bearer of `Authorization`: the access token.
    pub access_token: Secret,
}

impl AccessCheck {
    /// A check, as for a test of a verifier.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self { access_token: access_token.into() }
    }
}

impl Credential for AccessCheck {
    type Verdict = AccessVerdict;
}

/// The verdict on an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccessVerdict {
    /// It is good.
    Valid,
    /// It is unknown, or revoked. The app ends its session.
    Invalid,
    /// It was good once. The app refreshes it and tries again.
    Expired,
}

impl Verdict for AccessVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Valid)
    }
}

/// `GET /connect?check=1`: an app asks whether its access token is good before it opens the chat's socket.
///
/// TapTalk's own server opens that socket at the same path. This endpoint takes every `GET` of its path, and answers one
/// whose query does not say `check=1`, just once, as a parameter's fault: nothing but the check may read as good. An app
/// that serves a socket too gives one of the two another [`path`](crate::VerifyLayer::path).
///
/// Source: TapTalk.io's error codes, and what its published clients send.
#[derive(Debug, Clone, Default)]
pub struct ConnectEndpoint {
    writer: Writer,
}

impl ConnectEndpoint {
    /// The endpoint as the clients know it.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for ConnectEndpoint {
    type Credential = AccessCheck;
    type Context = ();
    const NAME: &'static str = "taptalk.connect";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<AccessCheck, Rejection> {
        let access_token = bearer::take(&mut head.headers)?;
        // The clients send it with every call. It is of no use here, and so must not show in a log.
        head.headers.remove(APP_KEY);
        match query::parameters(head.uri.query().unwrap_or_default(), &["check"]) {
            Ok([Some(check)]) if check == "1" => Ok(AccessCheck { access_token }),
            _ => Err(Code::PARAMETER_INVALID.reject("Param 'check' must be '1'")),
        }
    }

    fn refused(&self, outcome: Outcome<AccessVerdict>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(AccessVerdict::Invalid) => self.writer.error(Code::TOKEN_INVALID, "Token is invalid", ""),
            Outcome::Verdict(AccessVerdict::Expired) => self.writer.error(Code::TOKEN_EXPIRED, "Token has expired", ""),
            Outcome::Verdict(AccessVerdict::Valid) => self.writer.failed(&Failure::panicked()),
            Outcome::Rejected(rejection) => self.writer.rejected(&rejection),
            Outcome::Failed(failure) => self.writer.failed(&failure),
        }
    }
}

impl Endpoint for ConnectEndpoint {
    fn route(&self) -> Route {
        Route::from_static(Method::GET, "/connect")
    }

    fn admitted(&self, verdict: AccessVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            AccessVerdict::Valid => self.writer.data(Nothing {}),
            other => self.refused(Outcome::Verdict(other), ()),
        }
    }
}
