//! Endpoints as an author outside the crate writes them: only from public items, in at most 45 lines each.

mod customer;
mod freeradius;
mod rabbitmq;
mod token_review;

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_verify::{BoxError, Credential, Endpoint, Verifier, VerifyLayer, diyalog, verifier_fn};

/// The response of `endpoint` to `request`, behind the layer and in front of an app that answers 418.
fn ask<E, V>(endpoint: E, verifier: V, request: Request<&str>) -> Response<String>
where
    E: Endpoint<Credential: Credential>,
    V: Verifier<E::Credential>,
{
    let app = tower::service_fn(async |_: Request<Full<Bytes>>| {
        let response = Response::builder().status(418).body(Full::<Bytes>::default()).unwrap();
        Ok::<_, std::convert::Infallible>(response)
    });
    let app = tower::ServiceBuilder::new().layer(VerifyLayer::new(endpoint, verifier)).service(app);
    let request = request.map(|body| Full::from(body.to_owned()));
    let Ok(response) = app.oneshot(request).now_or_never().expect("nothing is pending");
    let (head, body) = response.into_parts();
    let body = body.collect().now_or_never().expect("the body is there").expect("the body is whole").to_bytes();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}

/// The number of lines that are not empty, from the first import of a file to its tests.
fn lines(file: &str) -> usize {
    let endpoint = file.split("#[cfg(test)]").next().unwrap();
    endpoint.lines().skip_while(|line| !line.starts_with("use ")).filter(|line| !line.is_empty()).count()
}

#[test]
fn each_endpoint_takes_at_most_45_lines() {
    for (name, file) in [
        ("rabbitmq", include_str!("rabbitmq.rs")),
        ("freeradius", include_str!("freeradius.rs")),
        ("token_review", include_str!("token_review.rs")),
    ] {
        let lines = lines(file);
        println!("{name}: {lines} lines");
        assert!(lines <= 45, "{name}: {lines} lines");
    }
}

#[test]
fn the_copy_of_a_built_in_endpoint_has_the_same_responses() {
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
        let (ours, built_in) = (
            ask(customer::CustomerEndpoint, verifier(), call()),
            ask(diyalog::CustomerEndpoint::new(), verifier(), call()),
        );
        assert_eq!((ours.status(), ours.headers()), (built_in.status(), built_in.headers()), "{body}");
        assert_eq!(ours.body(), built_in.body(), "{body}");
    }
}
