//! This crate's part.

use http::Request;
use tower_layer::Layer;
use tower_verify::{
    BoxError, Verifier, Verify, VerifyLayer,
    diyalog::{Customer, CustomerToken, CustomerVerdict},
};

use super::{Bare, TOKEN};

/// Compares the token with the good one.
pub struct OneToken;

impl Verifier<CustomerToken> for OneToken {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        Ok(if request.body().dlg_token == TOKEN { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

/// `inner` with Diyalog's check of customers in front of it, with every protection.
pub fn customer<S>(inner: S) -> Verify<S, Customer, OneToken> {
    VerifyLayer::new(Customer::new(), OneToken).layer(inner)
}

/// An app with one layer.
pub fn one() -> Verify<Bare, Customer, OneToken> {
    customer(Bare)
}
