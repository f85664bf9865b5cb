use tower_verify::{VerifyLayer, diyalog::CustomerEndpoint};

struct Bank;

fn main() {
    VerifyLayer::new(CustomerEndpoint::new(), Bank);
}
