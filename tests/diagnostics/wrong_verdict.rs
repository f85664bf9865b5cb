use http::Request;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{Customer, CustomerToken},
    verifier_fn,
};

fn main() {
    VerifyLayer::new(Customer::new(), verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(true) }));
}
