//! Envoy's `ext_authz` over gRPC: `Authorization/Check`, whose message describes the client's request.
//!
//! It is made an HTTP request again, and `forward_auth.rs` answers it as if Envoy had asked over HTTP: with the same
//! verifier, under the same deadline. Envoy reads a message as admitted if the code of its status is 0
//! (`ext_authz_grpc_impl.cc`). After a denial its client gets the status of the answer: 401, or 403 if there is no
//! verdict. Without a message it gets Envoy's own 403.
//!
//! * **An empty message lets everybody in**, because 0 is what a missing code is.
//! * **`failure_mode_allow: true` lets everybody in** while there is no message. Envoy waits 200 ms for it if no
//!   `timeout` is set.
//! * **The client can write `X-Auth-User`.** A header in the message must say by `append_action` that it replaces the
//!   client's: the default of that field is to append. Envoy 1.40 replaces in any case.
//! * With `encode_raw_headers: true` the headers are in another field, and this refuses every client.

use axum::{Router, extract::Request, routing::post};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use tonic::{Response, Status, server::Grpc};
use tonic_prost::ProstCodec;
use tower::{ServiceExt, service_fn};
use tower_verify::{Verifier, VerifyLayer, VerifyService};

use super::{
    envoy_messages::{CheckRequest, CheckResponse, HeaderOption},
    forward_auth::{ClientToken, ForwardAuth},
};

/// Envoy's service: for `axum::serve`, or for tonic's server as `tonic::service::Routes::from(router)`.
pub(crate) fn router(layer: VerifyLayer<ForwardAuth, impl Verifier<ClientToken>>) -> Router {
    let endpoint = layer.into_service();
    let answer = async move |request: Request| {
        let check = service_fn(|request| check(endpoint.clone(), request));
        Grpc::new(ProstCodec::default()).unary(check, request).await
    };
    Router::new().route("/envoy.service.auth.v3.Authorization/Check", post(answer))
}

async fn check(
    endpoint: VerifyService<ForwardAuth, impl Verifier<ClientToken>>,
    request: tonic::Request<CheckRequest>,
) -> Result<Response<CheckResponse>, Status> {
    let asked = request.into_inner().http();
    let mut request = http::Request::builder().method(&*asked.method).uri(format!("/forward/envoy{}", asked.path));
    for (name, value) in asked.headers.iter().filter(|(name, _)| !name.starts_with(':')) {
        request = request.header(name, value);
    }
    let request = request.body(Full::<Bytes>::default()).map_err(|_| Status::invalid_argument("no request"))?;
    let Ok(response) = endpoint.oneshot(request).await;
    let replace = |name| HeaderOption::replace(name, response.headers().get(name)?);
    Ok(Response::new(match response.status() {
        StatusCode::OK => CheckResponse::admitted(vec![replace("x-auth-user").ok_or(Status::internal("no user"))?]),
        status => CheckResponse::denied(status, Vec::from_iter(replace("www-authenticate"))),
    }))
}
