//! A verifier that knows the token of one customer.

use http::Request;
use tower_verify::{
    BoxError, Verifier,
    diyalog::{CustomerToken, CustomerVerdict},
};

pub(crate) struct Bank;

impl Verifier<CustomerToken> for Bank {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let token = request.into_body();
        let known = token.dlg_token == "2121sa" && token.device_id == "1234" && token.customer_no == "1234567";
        Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}
