//! Kubernetes' webhook token authentication: a `TokenReview` in version `v1` or `v1beta1`, echoed in the response.

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

#[cfg(test)]
mod tests {
    use http::Request;
    use tower_verify::{BoxError, verifier_fn};

    use super::*;

    fn ask(version: &str, token: &str) -> Value {
        let verifier = verifier_fn(|request: Request<Token>| async move {
            match request.body().token.expose_secret() {
                "605b32dd" => Ok(Some("jane".to_owned())),
                "broken" => Err(BoxError::from("away")),
                _ => Ok(None),
            }
        });
        let body = json!({"apiVersion": version, "kind": "TokenReview", "spec": {"token": token}}).to_string();
        let response = crate::ask(TokenReview, verifier, Request::post("/authenticate").body(body.as_str()).unwrap());
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
        serde_json::from_str(response.body()).unwrap()
    }

    #[test]
    fn both_versions_are_echoed_whatever_the_outcome() {
        for version in ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"] {
            for (token, status) in [
                ("605b32dd", json!({"authenticated": true, "user": {"username": "jane"}})),
                ("wrong", json!({"authenticated": false})),
                ("broken", json!({"authenticated": false})),
            ] {
                let review = json!({"apiVersion": version, "kind": "TokenReview", "status": status});
                assert_eq!(ask(version, token), review);
            }
        }
        assert_eq!(ask("authentication.k8s.io/v2", "605b32dd")["status"], json!({"authenticated": false}));
    }
}
