//! EMQX 5's HTTP authenticator and authorizer: `POST` in JSON, when a client connects, and when it publishes or
//! subscribes.
//!
//! * **Reads as admitted:** 204, or 200 in JSON with `"result": "allow"` (`emqx_authn_http.erl`,
//!   `emqx_authz_http.erl`). `"is_superuser": true` beside it passes every later question.
//! * **Keeps out:** `"result": "deny"` with 200 and `Content-Type: application/json`, and **nothing else**. Other
//!   words, other statuses, 401 and 500 among them, and no answer all mean `ignore`: the next authenticator or
//!   authorizer is asked.
//! * **Configure:** the `body` of the authenticator has `username` and `password`, that of the authorizer `username`,
//!   `action` and `topic`. `request_timeout` is 5 s.
//! * **Opens:** `authorization.no_match = allow`, the default of EMQX 5, and the `{allow, all}` at the end of the file
//!   authorizer let every client do what nobody answered about. Set `no_match = deny` and remove that rule.
//! * **Trap:** EMQX 4 reads only the status: there, `deny` with 200 admits. This endpoint is not for it.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde_json::json;
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// The question about an MQTT client.
pub(crate) enum Mqtt {
    /// Connect, with this user name and password.
    Connect(Secret, Secret),
    /// Use a topic: the user name, `publish` or `subscribe`, and the topic.
    Topic(Secret, Secret, Secret),
}

impl Credential for Mqtt {
    type Verdict = bool;
}

pub(crate) struct Emqx;

impl Contract for Emqx {
    type Credential = Mqtt;
    type Context = ();
    const NAME: &'static str = "emqx";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<Mqtt, Rejection> {
        let asked = head.uri.path().rsplit('/').next();
        let members = wire::json::secrets(&wire::text(body)?, &["username", "password", "action", "topic"])?;
        match (asked, members) {
            (Some("authn"), [Some(user), Some(password), ..]) => Ok(Mqtt::Connect(user, password)),
            (Some("authz"), [Some(user), _, Some(action), Some(topic)]) => Ok(Mqtt::Topic(user, action, topic)),
            _ => Err(Rejection::malformed("a member is missing, or the path is another one")),
        }
    }

    fn refused(&self, _: Outcome<bool>, (): ()) -> Response<Bytes> {
        wire::response::json(StatusCode::OK, &json!({"result": "deny"}))
    }
}

impl Endpoint for Emqx {
    fn route(&self) -> Route {
        Route::prefix("/emqx/").expect("a path").methods([Method::POST])
    }

    fn admitted(&self, _: bool, (): ()) -> Response<Bytes> {
        wire::response::json(StatusCode::OK, &json!({"result": "allow", "is_superuser": false}))
    }
}
