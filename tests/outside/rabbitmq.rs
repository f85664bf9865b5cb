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

#[cfg(test)]
mod tests {
    use http::Request;
    use tower_verify::{BoxError, verifier_fn};

    use super::*;

    fn ask(request: http::request::Builder, body: &'static str) -> (u16, String) {
        let verifier = verifier_fn(|request: Request<Access>| async move {
            assert_eq!(request.uri().query(), None);
            let access = request.body();
            let known = access.username == "guest" && access.vhost.as_ref().is_none_or(|vhost| *vhost == "/");
            let named = access.resource.as_ref().is_none_or(|resource| *resource == "queue");
            let password = access.password.as_ref().is_none_or(|password| *password == "a&b");
            if access.username == "broken" { Err(BoxError::from("away")) } else { Ok(known && named && password) }
        });
        let response = crate::ask(RabbitMq, verifier, request.body(body).unwrap());
        (response.status().as_u16(), response.into_body())
    }

    #[test]
    fn one_endpoint_serves_four_paths_by_get_and_post() {
        for path in ["user", "vhost", "resource", "topic"] {
            let (path, good) = (format!("/auth/{path}"), "username=guest&password=a%26b&vhost=%2F&resource=queue");
            for (good, word) in [(good, "allow"), ("username=other", "deny"), ("vhost=%2F", "deny"), ("%", "deny")] {
                assert_eq!(ask(Request::post(&path), good), (200, word.to_owned()));
            }
            assert_eq!(ask(Request::get(format!("{path}?{good}")), ""), (200, "allow".to_owned()));
            assert_eq!(ask(Request::get(format!("{path}?{good}&username=guest")), ""), (200, "deny".to_owned()));
            assert_eq!(ask(Request::post(&path), "username=broken"), (200, "deny".to_owned()));
            assert_eq!(ask(Request::put(&path), good).0, 418);
        }
    }
}
