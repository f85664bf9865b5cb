use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::taptalk::{
    wire::api_key::APP_KEY,
    wire::bearer,
    wire::envelope::{Writer, mirror_status_setter},
    wire::tokens::{self, TokenVerdict},
};
use crate::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret};

/// An app's request to exchange its refresh token for a new pair of tokens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TokenRefresh {
    /// The bearer of `Authorization`: the refresh token.
    pub refresh_token: Secret,
}

impl TokenRefresh {
    /// A refresh, as for a test of a verifier.
    pub fn new(refresh_token: impl Into<Secret>) -> Self {
        Self { refresh_token: refresh_token.into() }
    }
}

impl Credential for TokenRefresh {
    type Verdict = TokenVerdict;
}

/// `POST /v1/auth/access_token/refresh`: an app exchanges its refresh token for a new pair of tokens.
///
/// The body means nothing, and any is accepted. No app key is required.
///
/// Source: TapTalk.io's error codes, and what its published clients send.
#[derive(Debug, Clone, Default)]
pub struct RefreshEndpoint {
    writer: Writer,
}

impl RefreshEndpoint {
    /// The endpoint as the clients know it.
    pub fn new() -> Self {
        Self::default()
    }

    mirror_status_setter!();
}

impl Contract for RefreshEndpoint {
    type Credential = TokenRefresh;
    type Context = ();
    const NAME: &'static str = "taptalk.access_token_refresh";

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<TokenRefresh, Rejection> {
        let refresh_token = bearer::take(&mut head.headers)?;
        // The clients send it with every call. It is of no use here, and so must not show in a log.
        head.headers.remove(APP_KEY);
        Ok(TokenRefresh { refresh_token })
    }

    fn refused(&self, outcome: Outcome<TokenVerdict>, (): ()) -> Response<Bytes> {
        tokens::refused(self.writer, &outcome)
    }
}

impl Endpoint for RefreshEndpoint {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/v1/auth/access_token/refresh")
    }

    fn admitted(&self, verdict: TokenVerdict, (): ()) -> Response<Bytes> {
        tokens::admitted(self.writer, verdict)
    }
}
