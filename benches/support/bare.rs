//! Apps without any layer.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tower::{service_fn, util::BoxCloneService};
use tower_service::Service;

use super::Incoming;

/// The text that they answer.
pub(crate) const TEXT: &str = "the app";

/// The smallest possible app. The compiler can inline it, and the layers around it.
#[derive(Clone, Copy)]
pub(crate) struct Bare;

impl Service<Incoming> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Incoming) -> Self::Future {
        ready(Ok(Response::new(Full::new(Bytes::from_static(TEXT.as_bytes())))))
    }
}

/// The same app behind a pointer, like a router's handlers. The compiler cannot inline it.
pub(crate) fn boxed() -> BoxCloneService<Incoming, Response<Full<Bytes>>, Infallible> {
    black_box(BoxCloneService::new(service_fn(|request| async { Bare.call(request).await })))
}
