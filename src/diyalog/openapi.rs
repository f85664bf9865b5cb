//! Descriptions of Diyalog's calls for an OpenAPI document.

use serde_json::{Value, json};

use super::{AgentEndpoint, AgentVerdict, CustomerEndpoint, CustomerVerdict};
use crate::openapi::{Described, Description};

/// A text that must be given.
fn text(description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": description})
}

// Contract: DY-1, DY-2, DY-3, DY-5.
impl Described for CustomerEndpoint {
    fn describe(&self) -> Description<CustomerVerdict> {
        let schema = json!({
            "type": "object",
            "required": ["deviceId", "dlgToken", "customerNo"],
            "properties": {
                "deviceId": text("the device that the token was made for"),
                "dlgToken": text("the token, which the app made"),
                "customerNo": text("the customer that the token was made for"),
                "deviceHash": {"type": ["string", "null"], "description": "for information only"},
            },
        });
        let sample = json!({
            "deviceId": "123456789aacaaca",
            "dlgToken": "2121sasasrwsdss",
            "customerNo": "1234567",
            "deviceHash": "fwCZgi6zl2DPuNck6H644eq6JfPZpXKCqa2ouP2JS+k=",
        });
        Description::new("Diyalog", "Is a customer's token good?")
            .text(
                "Diyalog's mobile SDK sends a token, its device and its customer. The answer is one word: `Validated` \
                 lets the customer in, and no other word does. The status does not matter. A member given twice is \
                 refused.",
            )
            .json_body(schema, sample)
            .verdicts([
                CustomerVerdict::Validated,
                CustomerVerdict::InvalidToken,
                CustomerVerdict::ExpiredToken,
                CustomerVerdict::InvalidDeviceId,
            ])
    }
}

// Contract: DY-20, DY-21, DY-22, DY-23.
impl Described for AgentEndpoint {
    fn describe(&self) -> Description<AgentVerdict> {
        let admitted = json!({
            "type": "object",
            "required": ["success", "result"],
            "additionalProperties": false,
            "properties": {"success": {"const": true}, "result": {"type": "string"}},
        });
        let words = ["InvalidToken", "ExpiredToken", "InvalidSessionId", "BadRequest", "InternalError"];
        let refused = json!({
            "type": "object",
            "required": ["success", "errorMessage", "result"],
            "additionalProperties": false,
            "properties": {
                "success": {"const": false},
                "errorMessage": {"type": "string"},
                "result": {"enum": words},
            },
        });
        Description::new("Diyalog", "Is an agent's token good?")
            .text(
                "Diyalog's web app, in an iframe of yours, sends the token of the iframe's address, its session and its \
                 agent. Only `\"success\": true` lets the agent in. A parameter given twice is refused.",
            )
            .query("sessionId", text("the session that the token was made for"), "s-7")
            .query("token", text("the token, which the app made"), "2121sasasrwsdss")
            .query("userNo", text("the agent that the token was made for"), "45186")
            .verdicts([
                AgentVerdict::validated("45186"),
                AgentVerdict::InvalidToken,
                AgentVerdict::ExpiredToken,
                AgentVerdict::InvalidSessionId,
            ])
            .answers(admitted, refused)
    }
}
