//! RabbitMQ's `rabbitmq_auth_backend_http`: four paths, `GET` with a query or `POST` with a form, `allow` or `deny`.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// RabbitMQ's question: may this user do this?
pub(crate) struct Access {
    pub(crate) username: Secret,
    pub(crate) password: Option<Secret>,
    pub(crate) vhost: Option<Secret>,
    pub(crate) resource: Option<Secret>,
}

impl Credential for Access {
    type Verdict = bool;
}

pub(crate) struct RabbitMq;

impl Contract for RabbitMq {
    type Credential = Access;
    type Context = ();
    const NAME: &'static str = "rabbitmq";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<Access, Rejection> {
        let query = wire::query::take(&mut head.uri)?;
        let form = if head.method == Method::POST { wire::text(body)? } else { query };
        let names = ["username", "password", "vhost", "resource"];
        let [username, password, vhost, resource] =
            wire::query::parameters(&form, &names)?.map(|value| Some(Secret::slice_of(&form, value?)));
        let username = username.ok_or(Rejection::malformed("`username` is missing"))?;
        Ok(Access { username, password, vhost, resource })
    }

    fn refused(&self, _: Outcome<bool>, (): ()) -> Response<Bytes> {
        wire::response::text(StatusCode::OK, "deny")
    }
}

impl Endpoint for RabbitMq {
    fn route(&self) -> Route {
        Route::prefix("/auth/").expect("a path").methods([Method::GET, Method::POST])
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        wire::response::text(StatusCode::OK, "allow")
    }
}
