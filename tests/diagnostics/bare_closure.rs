use http::Request;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{Customer, CustomerToken, CustomerVerdict},
};

fn main() {
    VerifyLayer::new(Customer::new(), |_: Request<CustomerToken>| async {
        Ok::<_, BoxError>(CustomerVerdict::InvalidToken)
    });
}
