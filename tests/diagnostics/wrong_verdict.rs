use http::Request;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken},
    verifier_fn,
};

fn main() {
    VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(true) }));
}
