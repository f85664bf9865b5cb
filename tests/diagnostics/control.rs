//! The code of the other fixtures without their mistakes: it must compile.

use std::{rc::Rc, sync::Arc};

use http::Request;
use tower_verify::{
    BoxError, SharedVerifier, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    verifier_fn,
};

struct Bank;

impl Verifier<CustomerToken> for Bank {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let known = {
            let token = Rc::new(request.into_body().dlg_token);
            *token == "2121sa"
        };
        std::future::ready(()).await;
        Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

async fn nobody(_: Request<CustomerToken>) -> Result<CustomerVerdict, std::io::Error> {
    Ok(CustomerVerdict::InvalidToken)
}

fn main() {
    VerifyLayer::new(CustomerEndpoint::new(), Bank);
    VerifyLayer::new(CustomerEndpoint::new(), Arc::new(Bank));
    VerifyLayer::new(CustomerEndpoint::new(), SharedVerifier::new(Bank));
    VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(nobody));
    VerifyLayer::new(
        CustomerEndpoint::new(),
        verifier_fn(|request: Request<CustomerToken>| async move {
            let known = request.body().dlg_token == "2121sa";
            Ok::<_, BoxError>(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
        }),
    );
    VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(|_| async { Ok::<_, BoxError>(CustomerVerdict::InvalidToken) }));
}
