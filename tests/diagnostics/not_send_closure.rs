use std::rc::Rc;

use http::Request;
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    verifier_fn,
};

fn main() {
    let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
        let token = Rc::new(request.into_body());
        std::future::ready(()).await;
        drop(token);
        Ok::<_, BoxError>(CustomerVerdict::InvalidToken)
    });
    VerifyLayer::new(CustomerEndpoint::new(), verifier);
}
