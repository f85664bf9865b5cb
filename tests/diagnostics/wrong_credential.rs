use http::Request;
use tower_verify::{BoxError, Credential, Verifier, VerifyLayer, diyalog::CustomerEndpoint};

struct Badge;

impl Credential for Badge {
    type Verdict = bool;
}

struct Reception;

impl Verifier<Badge> for Reception {
    async fn verify(&self, _: Request<Badge>) -> Result<bool, BoxError> {
        Ok(true)
    }
}

fn main() {
    VerifyLayer::new(CustomerEndpoint::new(), Reception);
}
