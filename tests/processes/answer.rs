//! Reads answers as the platforms do. An answer that is not in the contract is a panic.

use http::HeaderMap;
use serde_json::{Value, json};

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// The meaning of an answer to a platform.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// Admitted, with the data of the answer, if the contract has any.
    Admitted(Value),
    /// Refused, with the platform's word or code for the reason.
    Refused(String),
    Throttled,
    NoVerdict,
}

impl Said {
    pub(crate) fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted(_))
    }

    pub(crate) fn is_refused(&self, word: &str) -> bool {
        matches!(self, Self::Refused(said) if said == word)
    }

    /// Returns a text from the data of an admitting answer.
    pub(crate) fn given(&self, member: &str) -> Option<&str> {
        let Self::Admitted(given) = self else { return None };
        given.get(member)?.as_str()
    }
}

impl Answer {
    pub(crate) fn talkdesk(&self) -> Said {
        let json: Value = self.json();
        match (self.status, json["error"].as_str()) {
            (200, None) if json == json!({"login_id": 12, "token": "123456789"}) => Said::Admitted(json),
            (401, Some(error)) if self.members(&json) == ["error", "error_description"] => match error {
                "access_denied" => Said::Refused(error.to_owned()),
                "server_error" => Said::NoVerdict,
                "temporarily_unavailable" if self.headers.contains_key("retry-after") => Said::Throttled,
                _ => self.breach(),
            },
            _ => self.breach(),
        }
    }

    pub(crate) fn diyalog_customer(&self) -> Said {
        if self.status != 200 || self.content_type() != "text/plain; charset=utf-8" {
            self.breach();
        }
        self.word(&self.body)
    }

    pub(crate) fn diyalog_agent(&self) -> Said {
        let json = self.json();
        match (self.status, &json["success"]) {
            (200, Value::Bool(true)) if self.members(&json) == ["result", "success"] => Said::Admitted(json),
            (200, Value::Bool(false)) if self.members(&json) == ["errorMessage", "result", "success"] => {
                match self.word(json["result"].as_str().unwrap_or_default()) {
                    Said::Admitted(_) => self.breach(),
                    said => said,
                }
            }
            _ => self.breach(),
        }
    }

    pub(crate) fn taptalk(&self) -> Said {
        let json = self.json();
        let error = &json["error"];
        let texts = ["code", "message", "field"].map(|member| error[member].as_str());
        if self.status != 200
            || self.members(&json) != ["data", "error", "status"]
            || self.members(error) != ["code", "field", "message"]
            || texts.contains(&None)
            || !json["data"].is_object()
        {
            self.breach();
        }
        match (json["status"].as_u64(), error["code"].as_str().unwrap_or_default()) {
            (Some(200), "") => Said::Admitted(json["data"].clone()),
            _ if json["data"] != json!({}) => self.breach(),
            (Some(401), code @ ("40103" | "40104")) | (Some(491), code @ "49103") => Said::Refused(code.to_owned()),
            (Some(429), "42901") => Said::Throttled,
            (Some(500), "50001") => Said::NoVerdict,
            _ => self.breach(),
        }
    }

    fn word(&self, word: &str) -> Said {
        match word {
            "Validated" => Said::Admitted(Value::Null),
            "InvalidToken" | "InvalidDeviceId" => Said::Refused(word.to_owned()),
            "InternalError" => Said::NoVerdict,
            _ => self.breach(),
        }
    }

    fn json(&self) -> Value {
        if self.content_type() != "application/json" {
            self.breach();
        }
        serde_json::from_str(&self.body).unwrap_or_else(|_| self.breach())
    }

    /// Returns the names of an object's members in alphabetical order.
    fn members<'a>(&self, object: &'a Value) -> Vec<&'a str> {
        let Some(object) = object.as_object() else { self.breach() };
        let mut members: Vec<_> = object.keys().map(String::as_str).collect();
        members.sort_unstable();
        members
    }

    fn content_type(&self) -> &str {
        if self.headers.get("cache-control").is_none_or(|value| value != "no-store") {
            self.breach();
        }
        self.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn breach(&self) -> ! {
        panic!("no contract has this answer: {self:?}")
    }
}
