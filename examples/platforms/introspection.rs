//! OAuth 2.0 token introspection (RFC 7662): `POST` with a form, by a resource server that proves who it is.
//!
//! * **Reads as admitted:** a 200 in JSON with `"active": true` (section 2.2).
//! * **Keeps out:** `"active": false`, any other status, no answer.
//! * **Configure:** the caller's own credentials, or anybody can try tokens (section 2.1): here `CallerSecret::basic`;
//!   `CallerSignature` for callers that sign. Without them the answer is 401.
//! * **Opens:** a resource server that reads only the status: an inactive token has 200 too. A cache of positive
//!   answers: Apache's `mod_auth_openidc` keeps them until `exp`, also while there is no answer, unless
//!   `OIDCOAuthTokenIntrospectionInterval` is -1.
//! * **Trap:** an inactive token gets `{"active": false}` and not a word more: why it is not active is nobody's
//!   business, be it expired, unknown or somebody else's (section 2.2). A failure is not `false`: it is a 503.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde_json::json;
use tower_verify::{
    Contract, Credential, Endpoint, Outcome, Rejection, RejectionKind, Route, Secret, token::Checked, unix_millis, wire,
};

pub(crate) struct Token(pub(crate) Secret);

impl Credential for Token {
    type Verdict = Option<Checked>;
}

pub(crate) struct Introspection;

impl Contract for Introspection {
    type Credential = Token;
    type Context = ();
    const NAME: &'static str = "introspection";

    fn decode(&self, _: &mut Parts, body: Bytes, (): &mut ()) -> Result<Token, Rejection> {
        let [token] = wire::query::secrets(&wire::text(body)?, &["token"])?;
        token.map(Token).ok_or(Rejection::malformed("`token` is missing"))
    }

    fn refused(&self, outcome: Outcome<Option<Checked>>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Verdict(_) => wire::response::json(StatusCode::OK, &json!({"active": false})),
            Outcome::Rejected(fault) if fault.kind() == RejectionKind::UnknownCaller => {
                wire::response::unauthorized(r#"Basic realm="introspection""#)
            }
            Outcome::Rejected(fault) => {
                wire::response::oauth_error(StatusCode::BAD_REQUEST, "invalid_request", fault.detail())
            }
            _ => wire::response::empty(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

impl Endpoint for Introspection {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/introspect")
    }

    fn admitted(&self, token: Option<Checked>, (): ()) -> Response<Bytes> {
        let answer = token.map(|token| {
            let (jti, exp) = (token.id.to_string(), unix_millis(token.expires_at) / 1000);
            json!({"active": true, "jti": jti, "exp": exp})
        });
        wire::response::json(StatusCode::OK, &answer)
    }
}
