//! Endpoints as an author outside the crate writes them: only from public items, in at most 45 lines each.

#[cfg(feature = "token")]
#[path = "../../examples/nginx_cookie/app.rs"]
mod app;
mod customer;
#[path = "../../examples/platforms/demo.rs"]
mod demo;
#[path = "../../examples/platforms/document.rs"]
mod document;
#[path = "../../examples/platforms/emqx.rs"]
mod emqx;
#[path = "../../examples/platforms/envoy_grpc.rs"]
mod envoy_grpc;
#[path = "../../examples/platforms/envoy_messages.rs"]
mod envoy_messages;
#[path = "../../examples/platforms/forward_auth.rs"]
mod forward_auth;
#[path = "../../examples/platforms/freeradius.rs"]
mod freeradius;
#[path = "../../examples/platforms/icecast.rs"]
mod icecast;
#[path = "../../examples/platforms/introspection.rs"]
mod introspection;
#[path = "../../examples/platforms/mediamtx.rs"]
mod mediamtx;
mod platforms;
#[path = "../../examples/platforms/rabbitmq.rs"]
mod rabbitmq;
#[path = "../../examples/platforms/registry.rs"]
mod registry;
#[path = "../../examples/platforms/registry_tokens.rs"]
mod registry_tokens;
#[path = "../../examples/platforms/rmqtt.rs"]
mod rmqtt;
#[cfg(feature = "token")]
#[path = "../../examples/nginx_cookie/session.rs"]
mod session;
#[path = "../../examples/platforms/sftpgo.rs"]
mod sftpgo;
#[cfg(feature = "token")]
mod site;
#[cfg(feature = "token")]
mod site_app;
#[path = "../../examples/platforms/token_review.rs"]
mod token_review;

use std::{fs, path::Path};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_verify::{BoxError, Credential, Endpoint, Verifier, VerifyLayer, diyalog, verifier_fn};

/// The response of the layer's endpoint to `request`, in front of an app that answers 418.
async fn ask<E, V>(layer: VerifyLayer<E, V>, request: Request<impl Into<Bytes>>) -> Response<String>
where
    E: Endpoint<Credential: Credential>,
    V: Verifier<E::Credential>,
{
    let app = tower::service_fn(async |_: Request<Full<Bytes>>| {
        let response = Response::builder().status(418).body(Full::<Bytes>::default()).unwrap();
        Ok::<_, std::convert::Infallible>(response)
    });
    let app = tower::ServiceBuilder::new().layer(layer).service(app);
    let Ok(response) = app.oneshot(request.map(|body| Full::from(body.into()))).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("the body is whole").to_bytes();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}

/// The number of lines that are not empty, from the first import of a file to its end.
fn lines(file: &str) -> usize {
    file.lines().skip_while(|line| !line.starts_with("use ")).filter(|line| !line.is_empty()).count()
}

#[test]
fn each_endpoint_takes_at_most_45_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/platforms");
    let mut endpoints = 0;
    for entry in fs::read_dir(folder).expect("the example has a folder") {
        let path = entry.expect("the folder can be read").path();
        let file = fs::read_to_string(&path).expect("the file is text");
        // Envoy's gRPC has its endpoint from another file.
        if file.contains("impl Endpoint for ") || file.contains("VerifyService<") {
            let lines = lines(&file);
            assert!(lines <= 45, "{}: {lines} lines", path.display());
            endpoints += 1;
        }
    }
    assert!(endpoints >= 3, "only {endpoints} endpoints were found");
}

#[tokio::test]
async fn the_copy_of_a_built_in_endpoint_has_the_same_responses() {
    let verifier = || {
        verifier_fn(|request: Request<diyalog::CustomerToken>| async move {
            match request.body().dlg_token.expose_secret() {
                "good" => Ok(diyalog::CustomerVerdict::Validated),
                "broken" => Err(BoxError::from("away")),
                _ => Ok(diyalog::CustomerVerdict::ExpiredToken),
            }
        })
    };
    for body in [
        r#"{"deviceId": "1", "dlgToken": "good", "customerNo": "2"}"#,
        r#"{"deviceId": "1", "dlgToken": "good", "customerNo": "2", "deviceHash": "h"}"#,
        r#"{"deviceId": "1", "dlgToken": "good", "customerNo": "2", "deviceHash": 7}"#,
        r#"{"deviceId": "1", "dlgToken": "old", "customerNo": "2"}"#,
        r#"{"deviceId": "1", "dlgToken": "broken", "customerNo": "2"}"#,
        r#"{"deviceId": "1", "dlgToken": "good", "dlgToken": "good", "customerNo": "2"}"#,
        r#"{"deviceId": "1", "dlgToken": "good"}"#,
        "",
    ] {
        let call = || Request::post("/checkauthtoken").body(body).unwrap();
        let ours = ask(VerifyLayer::new(customer::CustomerEndpoint, verifier()), call()).await;
        let built_in = ask(VerifyLayer::new(diyalog::CustomerEndpoint::new(), verifier()), call()).await;
        assert_eq!((ours.status(), ours.headers()), (built_in.status(), built_in.headers()), "{body}");
        assert_eq!(ours.body(), built_in.body(), "{body}");
    }
}
