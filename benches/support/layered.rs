//! Apps with this crate's layer and all protections that are on by default.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_layer::Layer;
use tower_service::Service;
use tower_verify::{
    BoxError, ConfigError, Endpoints, Verifier, Verify, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
};

use super::{Incoming, TOKEN};

#[path = "../../tests/outside/customer.rs"]
mod customer;

type Bare = Response<Full<Bytes>>;

/// A verifier that compares the token with the valid one. The parameter gives each compared endpoint a verifier type of
/// its own, for the compiler to inline.
pub(crate) struct OneToken<const OUTSIDE: bool = false>;

impl<const OUTSIDE: bool> Verifier<CustomerToken> for OneToken<OUTSIDE> {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        Ok(if request.body().dlg_token == TOKEN { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

pub(crate) type One<S> = Verify<S, VerifyLayer<CustomerEndpoint, OneToken>>;
pub(crate) type Three<S> = One<One<One<S>>>;
pub(crate) type Four<S> = One<Three<S>>;

/// The layer for Diyalog's customer check.
pub(crate) fn layer() -> VerifyLayer<CustomerEndpoint, OneToken> {
    VerifyLayer::new(CustomerEndpoint::new(), OneToken)
}

/// `inner` behind one layer.
pub(crate) fn one<S>(inner: S) -> One<S> {
    layer().layer(inner)
}

/// `inner` behind three layers.
pub(crate) fn three<S>(inner: S) -> Three<S> {
    one(one(one(inner)))
}

/// `inner` behind four layers.
pub(crate) fn four<S>(inner: S) -> Four<S> {
    one(three(inner))
}

/// `inner` behind one layer with sixteen endpoints. The last one has the documented path.
pub(crate) fn sixteen_endpoints<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible>
where
    S: Service<Incoming, Response = Bare, Error = Infallible>,
{
    let at = |n: usize| layer().path(&format!("/partners/{n}/checkauthtoken")).expect("a path");
    let endpoints = || -> Result<_, ConfigError> {
        let four = Endpoints::new().with(at(1))?.with(at(2))?.with(at(3))?.with(at(4))?;
        let eight = four.with(at(5))?.with(at(6))?.with(at(7))?.with(at(8))?;
        let twelve = eight.with(at(9))?.with(at(10))?.with(at(11))?.with(at(12))?;
        twelve.with(at(13))?.with(at(14))?.with(at(15))?.with(layer())
    };
    endpoints().expect("sixteen routes").layer(inner)
}

/// `inner` behind the copy of the endpoint that uses public items only.
pub(crate) fn outside<S>(inner: S) -> Verify<S, VerifyLayer<customer::CustomerEndpoint, OneToken<true>>> {
    VerifyLayer::new(customer::CustomerEndpoint, OneToken::<true>).layer(inner)
}

/// `inner` behind sixteen layers.
pub(crate) fn sixteen<S>(inner: S) -> Four<Four<Four<Four<S>>>> {
    four(four(four(four(inner))))
}
