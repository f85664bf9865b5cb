//! Descriptions of Talkdesk's calls for an OpenAPI document.

use serde_json::{Value, json};

use super::{AuthVerdict, CallVerdict, Fields, LaterCalls, Parameters, Validator};
use crate::{
    Credential,
    openapi::{Described, Description},
};

/// The values that `auth` and a grant can have. To JSON Schema, `1.0` is an integer, too.
fn value() -> Value {
    let description = "an integer has no fraction, no exponent, and 64 bits";
    json!({
        "type": ["string", "integer", "boolean"],
        "minimum": i64::MIN,
        "maximum": i64::MAX,
        "description": description,
    })
}

/// A body with `auth`.
fn body() -> Value {
    let description = "the fields that the user filled in, and from the second call on those that the grant returned";
    json!({
        "type": "object",
        "required": ["auth"],
        "properties": {
            "auth": {
                "type": "object",
                "description": description,
                "maxProperties": 4096,
                "additionalProperties": value(),
            },
        },
    })
}

/// An error in the form of RFC 6749, section 5.2.
fn error() -> Value {
    let errors = ["access_denied", "invalid_request", "invalid_client", "server_error", "temporarily_unavailable"];
    json!({
        "type": "object",
        "required": ["error", "error_description"],
        "additionalProperties": false,
        "properties": {"error": {"enum": errors}, "error_description": {"type": "string"}},
    })
}

// Contract: TD-1, TD-2, TD-8, TD-10, TD-15.
impl<A: Fields + Credential<Verdict = AuthVerdict>> Described for Validator<A> {
    fn describe(&self) -> Description<AuthVerdict> {
        let granted = json!({"type": "object", "additionalProperties": value()});
        Description::new("Talkdesk", "May this integration be activated?")
            .text(
                "Talkdesk sends what a user filled in when he activated an integration. The status 200 activates it, and \
                 Talkdesk stores the values of the answer and sends them with each later call. A field given twice is \
                 refused.",
            )
            .json_body(body(), json!({"auth": {"username": "john@example.com", "password": "605b32dd"}}))
            .verdicts([
                AuthVerdict::Granted(Parameters::new().with("login_id", 12).with("token", "123456789")),
                AuthVerdict::Granted(Parameters::new()),
                AuthVerdict::Denied,
            ])
            .answers(granted, error())
    }
}

// Contract: TD-20, TD-24, TD-25.
impl<P: Clone + Send + Sync + 'static, A: Fields> Described for LaterCalls<P, A> {
    fn describe(&self) -> Description<CallVerdict<P>> {
        let sample = json!({"auth": {"username": "john@example.com", "login_id": 12, "token": "123456789"}});
        Description::new("Talkdesk", "A later call")
            .text("The guard checks `auth`, and the app answers.")
            .json_body(body(), sample)
            .verdicts([CallVerdict::Denied])
            .answers(json!(true), error())
    }
}
