//! RMQTT's `rmqtt-auth-http`: `POST` with a form, when a client connects, and when it publishes or subscribes.
//!
//! * **Reads as admitted:** every 2xx whose body is neither `deny` nor `ignore`: an empty one, an HTML page, and,
//!   before the version that reads JSON, `{"result": "deny"}` too. A header `X-Superuser` passes every later question,
//!   and `X-Cache` keeps the answer (`rmqtt-auth-http/src/lib.rs`).
//! * **Keeps out:** a 2xx whose body is `deny`, and no answer within `http_timeout` if `deny_if_error` is `true`, as it
//!   is by default. It follows redirects.
//! * **Other statuses, 401 and 500 among them, mean `ignore`:** the next plugin is asked.
//! * **Configure:** `http_auth_req.params` and `http_acl_req.params` as the plugin's README has them.
//! * **Opens:** the last rule of `rmqtt-acl.toml` is `["allow", "all"]` by default, which lets in whom nobody answered
//!   about, even with `allow_anonymous = false`. Put `["deny", "all"]` in its place.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// The question about an MQTT client.
pub(crate) enum Mqtt {
    /// Connect, with this user name and password.
    Connect(Secret, Secret),
    /// Use a topic: the user name, `1` to subscribe or `2` to publish, and the topic.
    Topic(Secret, Secret, Secret),
}

impl Credential for Mqtt {
    type Verdict = bool;
}

pub(crate) struct Rmqtt;

impl Contract for Rmqtt {
    type Credential = Mqtt;
    type Context = ();
    const NAME: &'static str = "rmqtt";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<Mqtt, Rejection> {
        let asked = head.uri.path().rsplit('/').next();
        let parameters = wire::query::secrets(&wire::text(body)?, &["username", "password", "access", "topic"])?;
        match (asked, parameters) {
            (Some("auth"), [Some(user), Some(password), ..]) => Ok(Mqtt::Connect(user, password)),
            (Some("acl"), [Some(user), _, Some(access), Some(topic)]) => Ok(Mqtt::Topic(user, access, topic)),
            _ => Err(Rejection::malformed("a parameter is missing, or the path is another one")),
        }
    }

    fn refused(&self, _: Outcome<bool>, (): ()) -> Response<Bytes> {
        wire::response::text(StatusCode::OK, "deny")
    }
}

impl Endpoint for Rmqtt {
    fn route(&self) -> Route {
        Route::prefix("/mqtt/").expect("a path").methods([Method::POST])
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        wire::response::text(StatusCode::OK, "allow")
    }
}
