use std::rc::Rc;

use http::Request;
use tower_verify::{
    BoxError, Verifier,
    diyalog::{CustomerToken, CustomerVerdict},
};

struct Bank;

impl Verifier<CustomerToken> for Bank {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let token = Rc::new(request.into_body());
        std::future::ready(()).await;
        drop(token);
        Ok(CustomerVerdict::InvalidToken)
    }
}

fn main() {}
