//! The calls that the benches make, and the apps that answer them: with this crate, by an expert's hand for hyper, by hand
//! without any protection, and with axum.

#![allow(dead_code, reason = "not every bench uses all of it")]

pub(crate) mod axum;
pub(crate) mod bare;
pub(crate) mod call;
pub(crate) mod expert;
pub(crate) mod hand_written;
pub(crate) mod largest;
pub(crate) mod layered;
pub(crate) mod server;

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

/// A request as a server passes it to a service.
pub(crate) type Incoming = Request<Full<Bytes>>;

/// The valid token, from Diyalog's documented sample.
pub(crate) const TOKEN: &str = "2121sasasrwsdss";

/// Calls `service` with `request`. Panics if the service has to wait for anything.
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

/// Returns the body of a response as text, for benches to check the answer before they measure it.
pub(crate) fn text<B>(response: Response<B>) -> String
where
    B: Body<Data = Bytes>,
{
    let read = response.into_body().collect().now_or_never().expect("the body is not ready");
    let body = read.unwrap_or_else(|_| panic!("the body broke off")).to_bytes();
    String::from_utf8(body.into()).expect("the body is not UTF-8")
}
