//! What TapTalk's endpoints share: the envelope of every answer, and keys in headers.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;

use super::{Answer, JSON, LIMIT, Unread, answer};

/// A refusal: its code and what is wrong. The code's first three digits are the status in the body.
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// The number of the wrong parameter.
    pub(super) field: &'static str,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), field: "" }
    }

    pub(super) fn unread(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::new("40002", format!("the body is larger than {LIMIT} bytes")),
            Unread::Incomplete => Self::new("40002", "the body ended before it was complete"),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        #[derive(Serialize)]
        struct Error<'a> {
            code: &'a str,
            message: &'a str,
            field: &'a str,
        }

        let error = Error { code: self.code, message: &self.message, field: self.field };
        let mut body = Vec::with_capacity(128);
        body.extend_from_slice(b"{\"status\":");
        body.extend_from_slice(&self.code.as_bytes()[..3]);
        body.extend_from_slice(b",\"error\":");
        serde_json::to_writer(&mut body, &error).expect("text is JSON");
        body.extend_from_slice(b",\"data\":{}}");
        answer(StatusCode::OK, JSON, body)
    }
}

/// The answer with data.
pub(super) fn data(data: &impl Serialize) -> Answer {
    let mut body = Vec::with_capacity(128);
    body.extend_from_slice(br#"{"status":200,"error":{"code":"","message":"","field":""},"data":"#);
    serde_json::to_writer(&mut body, data).expect("data is JSON");
    body.push(b'}');
    answer(StatusCode::OK, JSON, body)
}

/// An answer that is always the same.
pub(super) fn fixed(body: &'static str) -> Answer {
    answer(StatusCode::OK, JSON, body)
}

pub(super) fn failed() -> Answer {
    fixed(r#"{"status":500,"error":{"code":"50001","message":"Internal server error","field":""},"data":{}}"#)
}

/// An id and a secret, as a header has them in base64.
pub(super) struct Key {
    text: String,
    colon: usize,
}

impl Key {
    /// Takes the key out of the headers; `None` if it is missing or empty.
    pub(super) fn take(headers: &mut HeaderMap, name: &HeaderName, display: &str) -> Result<Option<Self>, Fault> {
        let twice = headers.get_all(name).iter().nth(1).is_some();
        let Some(value) = headers.remove(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let decoded = BASE64_STANDARD.decode(value.as_bytes()).ok().and_then(|key| String::from_utf8(key).ok());
        let key = decoded.and_then(|text| Some(Self { colon: text.find(':')?, text }));
        match key.filter(|key| !twice && !key.id().is_empty() && !key.secret().is_empty()) {
            Some(key) => Ok(Some(key)),
            None => {
                let message = format!("{display} must be the base64 of an id, a colon and a secret");
                Err(Fault::new("49102", message))
            }
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.text[..self.colon]
    }

    pub(super) fn secret(&self) -> &str {
        &self.text[self.colon + 1..]
    }
}
