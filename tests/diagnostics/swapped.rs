use http::Request;
use tower_verify::{
    BoxError, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
};

struct Bank;

impl Verifier<CustomerToken> for Bank {
    async fn verify(&self, _: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        Ok(CustomerVerdict::InvalidToken)
    }
}

fn main() {
    VerifyLayer::new(Bank, CustomerEndpoint::new());
}
