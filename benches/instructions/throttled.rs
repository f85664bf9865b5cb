//! The layer with a throttle around its verifier, and no failed attempts.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_layer::Layer;
use tower_service::Service;
use tower_verify::{
    BoxError, Verifier, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    policy::Throttle,
    store::MemoryStore,
};

use crate::support::{Incoming, TOKEN};

type Bare = Response<Full<Bytes>>;

pub(crate) struct OneToken;

impl Verifier<CustomerToken> for OneToken {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        Ok(if request.body().dlg_token == TOKEN { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

pub(crate) fn throttled<S>(inner: S) -> impl Service<Incoming, Response = Bare, Error = Infallible> + Clone
where
    S: Service<Incoming, Response = Bare, Error = Infallible> + Clone,
{
    let principal = |request: &Request<CustomerToken>| Some(request.body().customer_no.expose_secret().to_owned());
    let throttle = Throttle::new(OneToken, MemoryStore::new(), [7; 32], principal);
    VerifyLayer::new(CustomerEndpoint::new(), throttle).layer(inner)
}
