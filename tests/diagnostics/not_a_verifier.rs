use tower_verify::{VerifyLayer, diyalog::Customer};

struct Bank;

fn main() {
    VerifyLayer::new(Customer::new(), Bank);
}
