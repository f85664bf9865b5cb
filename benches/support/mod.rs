//! What the benches measure: the same calls, answered by this crate, by a handler written by hand for hyper, and by axum.

#![allow(dead_code, reason = "not every bench uses all of it")]

pub mod axum;
pub mod call;
pub mod hand_written;
pub mod layered;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_service::Service;

/// A request as the server hands it over.
pub type Incoming = Request<Full<Bytes>>;

/// The token that is good.
pub const TOKEN: &str = "dlgc_2121sasasrwsdss8fKq0ZrT";

/// An app without any layer.
#[derive(Clone, Copy)]
pub struct Bare;

impl Service<Incoming> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Incoming) -> Self::Future {
        ready(Ok(Response::new(Full::new(Bytes::from_static(b"the app")))))
    }
}

/// Lets `service` answer `request`, which must not have to wait for anything.
#[inline(always)]
pub fn answer<S, B>(service: &mut S, request: Incoming) -> Response<B>
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
