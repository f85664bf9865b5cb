//! Kubernetes' webhook token authentication: `POST` of a `TokenReview` in version `v1` or `v1beta1`, which is echoed.
//!
//! * **Reads as admitted:** a 2xx with a `TokenReview` of the version that was asked for and `"authenticated": true`;
//!   the user and the groups beside it are believed (`apiserver/plugin/pkg/authenticator/token/webhook/webhook.go`).
//! * **Keeps out:** `"authenticated": false`, another version, any other status, no answer. It asks again after 429 and
//!   5xx, so a failure here is a plain `false`, and the client gets 401.
//! * **Configure:** a kubeconfig with this URL (`--authentication-token-webhook-config-file`) and
//!   `--authentication-token-webhook-version=v1`; the default is `v1beta1`.
//! * **Opens:** a positive answer is cached for `--authentication-token-webhook-cache-ttl`, two minutes by default. The
//!   group `system:masters` may do everything: never take groups from the token without a look at them.
//! * **Trap:** `spec.audiences` says for whom the token must be. Without `status.audiences`, as here, it counts for the
//!   API server itself.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) token: Secret,
}

impl Credential for Token {
    type Verdict = Option<String>;
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    spec: Token,
}

pub(crate) struct TokenReview;

fn respond(version: &str, status: Value) -> Response<Bytes> {
    let body = json!({"apiVersion": version, "kind": "TokenReview", "status": status});
    wire::response::json(StatusCode::OK, &body)
}

impl Contract for TokenReview {
    type Credential = Token;
    type Context = &'static str;
    const NAME: &'static str = "kubernetes.token_review";

    fn decode(&self, _: &mut Parts, body: Bytes, version: &mut &'static str) -> Result<Token, Rejection> {
        let Review { api_version, spec } = wire::json::typed(&wire::text(body)?)?;
        let known = ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"];
        *version = known.into_iter().find(|known| *known == api_version).ok_or(Rejection::malformed("`apiVersion`"))?;
        Ok(spec)
    }

    fn refused(&self, _: Outcome<Option<String>>, version: &'static str) -> Response<Bytes> {
        respond(version, json!({"authenticated": false}))
    }
}

impl Endpoint for TokenReview {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/authenticate")
    }

    fn admitted(&self, user: Option<String>, version: &'static str) -> Response<Bytes> {
        respond(version, json!({"authenticated": true, "user": {"username": user}}))
    }
}
