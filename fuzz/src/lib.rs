//! Shared by the targets: sends a request to an endpoint.

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_verify::{Endpoint, Verifier, VerifyLayer};

/// Sends `request` to `endpoint`, with the verdicts of `verifier`, and reads the whole response.
pub fn ask<E, V>(endpoint: E, verifier: V, request: Request<Full<Bytes>>) -> Response<Bytes>
where
    E: Endpoint,
    V: Verifier<E::Credential>,
{
    let service = VerifyLayer::new(endpoint, verifier).into_service();
    let response = service.oneshot(request).now_or_never().expect("nothing is pending").expect("no error is possible");
    let (head, body) = response.into_parts();
    let body = body.collect().now_or_never().expect("the body is there").expect("no error is possible").to_bytes();
    Response::from_parts(head, body)
}
