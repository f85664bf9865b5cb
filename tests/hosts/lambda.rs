//! lambda_http 1: the service is called as the runtime calls it, with events as API Gateway sends them.

use lambda_http::{
    Adapter, Body, Context, LambdaEvent, Request,
    request::{self, LambdaRequest},
};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{APP, GOOD, MALFORMED, UNKNOWN, app, customer, customer_at};

/// An event of payload format 2.0, as an HTTP API sends it.
pub(crate) fn event(stage: &str, method: &str, path: &str, body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "r3pmxmplak.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "Partner/1.0",
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
            "x-forwarded-for": "205.255.255.176",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "r3pmxmplak",
            "domainName": "r3pmxmplak.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "r3pmxmplak",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "205.255.255.176",
                "userAgent": "Partner/1.0"
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "10/Mar/2020:05:16:23 +0000",
            "timeEpoch": 1_583_817_383_220_u64
        },
        "body": body,
        "isBase64Encoded": false
    })
}

/// The response that the runtime posts for `event`.
async fn invoke<S, R>(service: S, event: &Value) -> Value
where
    S: Service<Request, Response = R, Error: std::fmt::Debug, Future: Send>,
    R: lambda_http::IntoResponse,
{
    let payload: LambdaRequest = serde_json::from_value(event.clone()).expect("this is an event of an HTTP API");
    let response = Adapter::from(service).oneshot(LambdaEvent::new(payload, Context::default())).await.unwrap();
    serde_json::to_value(response).unwrap()
}

#[track_caller]
fn assert_word(response: &Value, word: &str) {
    assert_eq!(response["statusCode"], 200);
    assert_eq!(response["body"], word);
    assert_eq!(response["isBase64Encoded"], false);
    assert_eq!(response["headers"]["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response["headers"]["cache-control"], "no-store");
}

#[tokio::test]
async fn events_of_an_http_api() {
    let service = || ServiceBuilder::new().layer(customer()).service_fn(app);
    for (body, word) in [(GOOD, "Validated"), (UNKNOWN, "InvalidToken"), (MALFORMED, "BadRequest")] {
        assert_word(&invoke(service(), &event("$default", "POST", "/checkauthtoken", body)).await, word);
    }
    let response = invoke(service(), &event("$default", "GET", "/app", "")).await;
    assert_eq!((&response["statusCode"], &response["body"]), (&json!(200), &json!(APP)));
}

#[tokio::test]
async fn a_request_parsed_by_lambda_http() {
    let event = event("$default", "POST", "/checkauthtoken", GOOD).to_string();
    let request: Request = request::from_str(&event).unwrap();
    assert!(matches!(request.body(), Body::Text(_)));
    let service = ServiceBuilder::new().layer(customer()).service_fn(app);
    crate::support::Answer::of(service.oneshot(request).await.unwrap()).await.is_word("Validated");
}

#[tokio::test]
async fn a_body_in_base64() {
    let mut event = event("$default", "POST", "/checkauthtoken", "");
    let good = "eyJkZXZpY2VJZCI6ICIxMjM0IiwgImRsZ1Rva2VuIjogIjIxMjFzYSIsICJjdXN0b21lck5vIjogIjEyMzQ1NjcifQ==";
    event["body"] = json!(good);
    event["isBase64Encoded"] = json!(true);
    assert_word(&invoke(customer().layer(service_fn(app)), &event).await, "Validated");
}

#[tokio::test]
async fn an_axum_router_inside() {
    let router = axum::Router::new().route("/app", axum::routing::get(|| async { APP }));
    let service = customer().layer(router);
    assert_word(&invoke(service.clone(), &event("$default", "POST", "/checkauthtoken", GOOD)).await, "Validated");
    assert_eq!(invoke(service, &event("$default", "GET", "/app", "")).await["body"], APP);
}

/// lambda_http puts the stage's name before the path, unless the stage is `$default`.
#[tokio::test]
async fn a_named_stage_is_part_of_the_path() {
    let event = event("live", "POST", "/checkauthtoken", GOOD);
    let response = invoke(customer().layer(service_fn(app)), &event).await;
    assert_eq!(response["body"], APP);
    let (layer, _) = customer_at("/live/checkauthtoken");
    assert_word(&invoke(layer.layer(service_fn(app)), &event).await, "Validated");
}
