//! Apps with this crate's layer, with every protection that it has by itself.

use http::Request;
use tower_layer::Layer;
use tower_verify::{
    BoxError, Verifier, Verify, VerifyLayer,
    diyalog::{Customer, CustomerToken, CustomerVerdict},
};

use super::TOKEN;

/// Compares the token with the good one.
pub(crate) struct OneToken;

impl Verifier<CustomerToken> for OneToken {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        Ok(if request.body().dlg_token == TOKEN { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

pub(crate) type One<S> = Verify<S, Customer, OneToken>;
pub(crate) type Three<S> = One<One<One<S>>>;
pub(crate) type Four<S> = One<Three<S>>;

/// Diyalog's check of customers.
pub(crate) fn layer() -> VerifyLayer<Customer, OneToken> {
    VerifyLayer::new(Customer::new(), OneToken)
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

/// `inner` behind sixteen layers.
pub(crate) fn sixteen<S>(inner: S) -> Four<Four<Four<Four<S>>>> {
    four(four(four(four(inner))))
}
