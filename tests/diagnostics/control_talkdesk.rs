//! The code of the fixture for Talkdesk without its mistake: it must compile.

use http::Request;
use serde::Deserialize;
use tower_verify::{
    BoxError, Secret, Verifier, VerifyLayer,
    talkdesk::{Auth, AuthVerdict, Validator},
};

#[derive(Deserialize)]
struct Login {
    api_key: Secret,
}

struct Bridge;

impl Verifier<Auth<Login>> for Bridge {
    async fn verify(&self, request: Request<Auth<Login>>) -> Result<AuthVerdict, BoxError> {
        let login = &request.body().0;
        Ok(if login.api_key == "2f6a" { AuthVerdict::Granted(Default::default()) } else { AuthVerdict::Denied })
    }
}

fn main() {
    VerifyLayer::new(Validator::typed::<Login>(), Bridge);
}
