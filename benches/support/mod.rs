//! What the benches measure: the same calls, answered by this crate, by a handler written by hand for hyper, and by axum.

#![allow(dead_code, reason = "not every bench uses all of it")]

pub(crate) mod axum;
pub(crate) mod bare;
pub(crate) mod call;
pub(crate) mod hand_written;
pub(crate) mod largest;
pub(crate) mod layered;

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower_service::Service;

/// A request as a server hands it over.
pub(crate) type Incoming = Request<Full<Bytes>>;

/// The token that is good: that of the documented sample.
pub(crate) const TOKEN: &str = "2121sasasrwsdss";

/// Lets `service` answer `request`, which must not have to wait for anything.
#[inline(always)]
pub(crate) fn answer<S, B>(service: &mut S, request: Incoming) -> Response<B>
where
    S: Service<Incoming, Response = Response<B>, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the service waits for something"),
    }
}

/// The text of an answer: a bench of something that does not answer as it should measures nothing.
pub(crate) fn text<B>(response: Response<B>) -> String
where
    B: Body<Data = Bytes>,
{
    let read = response.into_body().collect().now_or_never().expect("the body is there");
    let body = read.unwrap_or_else(|_| panic!("the body is whole")).to_bytes();
    String::from_utf8(body.into()).expect("the body is text")
}
