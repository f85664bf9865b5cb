//! No host at all: plain services, boxed services, and every kind of request body.

use std::{cell::Cell, convert::Infallible};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::BoxBody};
use tower::{
    Service, ServiceBuilder, ServiceExt, service_fn,
    util::{BoxCloneService, BoxCloneSyncService, BoxService},
};

use crate::support::{APP_PATH, Answer, GOOD, MALFORMED, PARTNER_PATH, UNKNOWN, app, app_call, customer, partner_call};

type AppResponse = Response<Full<Bytes>>;

async fn assert_answers<S>(mut service: S)
where
    S: Service<Request<String>, Response = AppResponse, Error = Infallible>,
{
    for (body, word) in [(GOOD, "Validated"), (UNKNOWN, "InvalidToken"), (MALFORMED, "BadRequest")] {
        let service = service.ready().await.unwrap();
        Answer::of(service.call(partner_call(body)).await.unwrap()).await.is_word(word);
        let service = service.ready().await.unwrap();
        Answer::of(service.call(app_call()).await.unwrap()).await.is(200, "the app");
    }
}

#[tokio::test]
async fn a_plain_function() {
    assert_answers(ServiceBuilder::new().layer(customer()).service_fn(app)).await;
}

#[tokio::test]
async fn boxed_services_inside_and_outside() {
    let layered = || ServiceBuilder::new().layer(customer());
    assert_answers(layered().service(BoxService::new(service_fn(app)))).await;
    assert_answers(layered().service(BoxCloneService::new(service_fn(app)))).await;
    assert_answers(BoxService::new(layered().service_fn(app))).await;
    assert_answers(BoxCloneService::new(layered().service_fn(app))).await;
    assert_answers(BoxCloneSyncService::new(layered().service_fn(app))).await;
}

/// Sends `good` to the partner's path and to the app's. The app responds with the length of the body it got.
async fn assert_body<B>(good: impl Fn() -> B, word: &str)
where
    B: Body<Data = Bytes, Error: std::fmt::Debug> + Send + 'static,
{
    let length = |request: Request<B>| async {
        let body = request.into_body().collect().await.expect("the body has no error").to_bytes();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body.len().to_string())))
    };
    let service = ServiceBuilder::new().layer(customer()).service_fn(length);
    let request = |path| Request::post(path).body(good()).unwrap();
    Answer::of(service.clone().oneshot(request(PARTNER_PATH)).await.unwrap()).await.is_word(word);
    let length = good().collect().await.expect("the body has no error").to_bytes().len();
    Answer::of(service.oneshot(request(APP_PATH)).await.unwrap()).await.is(200, &length.to_string());
}

/// A body that is `Send`, but not `Sync`.
fn not_sync() -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let (first, second) = GOOD.split_at(GOOD.len() / 2);
    let unshared = Cell::new(0);
    StreamBody::new(stream::iter([first, second]).map(move |half| {
        unshared.set(unshared.get() + 1);
        Ok(Frame::data(Bytes::from_static(half.as_bytes())))
    }))
}

#[tokio::test]
async fn every_kind_of_request_body() {
    assert_body(|| String::from(GOOD), "Validated").await;
    assert_body(|| Full::new(Bytes::from_static(GOOD.as_bytes())), "Validated").await;
    assert_body(Empty::new, "BadRequest").await;
    assert_body(|| BoxBody::new(String::from(GOOD)), "Validated").await;
    assert_body(|| String::from(GOOD).boxed_unsync(), "Validated").await;
    assert_body(|| not_sync().boxed_unsync(), "Validated").await;
    assert_body(not_sync, "Validated").await;
}

/// The layer does not require `Sync` of the body for its future to be `Send`.
#[test]
fn a_body_that_is_not_sync_leaves_the_future_send() {
    fn call<B: Body + Send + 'static>(body: B) -> impl Future<Output = Result<AppResponse, Infallible>> + Send {
        ServiceBuilder::new().layer(customer()).service_fn(app).oneshot(Request::new(body))
    }
    drop(call(not_sync()));
}
