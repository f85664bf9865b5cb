//! RabbitMQ's `rabbitmq_auth_backend_http`: four questions, each at a path of its own, by `GET` with a query or by
//! `POST` with a form.
//!
//! * **Reads as admitted:** status 200 or 201, and the word `allow` in any case, with spaces around it. At `/auth/user`
//!   the beginning of the body is enough, `allowed` admits too, and each further word becomes a tag of the user: `allow
//!   administrator` opens the management UI (`rabbit_auth_backend_http.erl`). It follows redirects: a page at their end
//!   that begins with the word admits.
//! * **Keeps out:** another word, another status, no connection, no answer within `auth_http.request_timeout`, 15 s by
//!   default. There is no retry.
//! * **Configure:** `auth_http.http_method = post`, or access logs show passwords.
//! * **Opens:** `auth_backends.2 = internal` is asked whenever this backend does not admit, and knows `guest`.
//! * **Trap:** a login by certificate asks `/auth/user` without a password, and over MQTT with a `vhost`. So the path
//!   says what is asked, and not the parameters that are there.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// RabbitMQ's question: has this user this password, may the user enter this vhost, or do something there?
pub(crate) enum Access {
    User(Secret, Secret),
    Vhost(Secret, Secret),
    /// User and vhost; kind, name and permission; the routing key if the kind is `topic`.
    Resource([Secret; 2], [Secret; 3], Option<Secret>),
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
        let names = ["username", "password", "vhost", "resource", "name", "permission", "routing_key"];
        Ok(match (head.uri.path().rsplit('/').next(), wire::query::secrets(&form, &names)?) {
            (Some("user"), [Some(user), Some(password), ..]) => Access::User(user, password),
            (Some("vhost"), [Some(user), _, Some(vhost), ..]) => Access::Vhost(user, vhost),
            (Some("resource" | "topic"), [Some(user), _, Some(vhost), Some(kind), Some(name), Some(action), key]) => {
                Access::Resource([user, vhost], [kind, name, action], key)
            }
            _ => return Err(Rejection::malformed("a parameter is missing, or the path is another one")),
        })
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
