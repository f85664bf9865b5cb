//! The endpoints and guards of the crate.

mod diyalog;
mod talkdesk;
mod taptalk;

pub use self::talkdesk::{Kind, Login};

/// The methods that differ only in the constructor.
macro_rules! endpoint {
    ($new:expr) => {
        fn new() -> Self {
            $new
        }

        async fn call<V, B>(verifier: V, settings: Settings, request: Request<B>) -> Response<Bytes>
        where
            V: Verifier<Self::Credential>,
            B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
        {
            call_endpoint(Self::new(), verifier, settings, request).await
        }
    };
}

macro_rules! guard {
    ($new:expr) => {
        fn new() -> Self {
            $new
        }

        async fn call<V, B>(verifier: V, settings: Settings, request: Request<B>) -> Response<Bytes>
        where
            V: Verifier<Self::Credential>,
            B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
        {
            call_guard(Self::new(), verifier, settings, request).await
        }
    };
}

use {endpoint, guard};
