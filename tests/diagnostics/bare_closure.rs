use http::Request;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
};

fn main() {
    VerifyLayer::new(CustomerEndpoint::new(), |_: Request<CustomerToken>| async {
        Ok::<_, BoxError>(CustomerVerdict::InvalidToken)
    });
}
