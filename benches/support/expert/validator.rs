//! Talkdesk's validator.

use std::{borrow::Cow, fmt};

use http::{HeaderValue, Request, StatusCode, header::WWW_AUTHENTICATE};
use http_body::Body;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};

use super::{
    Answer, JSON, LIMIT, Unread, answer,
    json::{Members, Object, Text, Value, fault},
    read, same,
};
use crate::support::TOKEN;

#[derive(Default)]
struct Payload<'a> {
    auth: Option<Auth<'a>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    Auth,
    #[serde(other)]
    Other,
}

impl<'a> Members<'a> for Payload<'a> {
    type Name = Name;
    type Value = Auth<'a>;

    fn member(&mut self, name: Name) -> Option<&mut Option<Auth<'a>>> {
        match name {
            Name::Auth => Some(&mut self.auth),
            Name::Other => None,
        }
    }
}

/// The fields, in their order.
struct Auth<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Deserialize<'a> for Auth<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AuthVisitor)
    }
}

struct AuthVisitor;

impl<'a> Visitor<'a> for AuthVisitor {
    type Value = Auth<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Auth<'a>, A::Error> {
        let mut fields = Vec::new();
        while let Some((Text(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Auth(fields))
    }
}

impl Auth<'_> {
    /// Why these are not credentials, if they are not.
    fn fault(&self) -> Option<String> {
        let wrong = self.0.iter().find(|(_, value)| matches!(value, Value::Null | Value::Other));
        if let Some((name, _)) = wrong {
            return Some(wrong_field(name, "must be a string, an integer or a boolean"));
        }
        self.duplicate().map(|name| wrong_field(name, "is given more than once"))
    }

    /// A name that is given twice. A few names are compared with each other; for more, sorting is cheaper.
    fn duplicate(&self) -> Option<&str> {
        const FEW: usize = 32;

        let fields = &self.0;
        if fields.len() <= FEW {
            let given_before = |&index: &usize| fields[..index].iter().any(|(name, _)| *name == fields[index].0);
            return (1..fields.len()).find(given_before).map(|index| &*fields[index].0);
        }
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| match value {
            Value::Text(text) if known == name => Some(&**text),
            _ => None,
        })
    }
}

/// Says what is wrong with a field, by its name if a header's text could have it.
fn wrong_field(name: &str, what: &str) -> String {
    let repeatable = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    match name.len() <= 64 && name.bytes().all(repeatable) {
        true => format!("`{name}` in `auth` {what}"),
        false => format!("a field of `auth` {what}"),
    }
}

pub(super) async fn validate<B: Body>(request: Request<B>) -> Answer {
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(Unread::TooLarge) => {
            let description = format!("the body is larger than {LIMIT} bytes");
            return invalid_request(StatusCode::PAYLOAD_TOO_LARGE, &description);
        }
        Err(Unread::Incomplete) => return malformed("the body ended before it was complete"),
    };
    let auth = match auth(&body) {
        Ok(auth) => auth,
        Err(fault) => return malformed(&fault),
    };
    match verify(&auth).await {
        Some(login_id) => {
            let parameters = serde_json::to_vec(&Parameters { login_id }).expect("a number is JSON");
            answer(StatusCode::OK, JSON, parameters)
        }
        None => unauthorized(r#"{"error":"access_denied","error_description":"the credentials are not valid"}"#),
    }
}

fn auth(body: &[u8]) -> Result<Auth<'_>, Cow<'static, str>> {
    let body = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
    let Object(Payload { auth }) = serde_json::from_str(body)
        .map_err(|error| fault(&error, "the body must be a JSON object whose `auth` is an object"))?;
    let auth = auth.ok_or("`auth` is missing")?;
    auth.fault().map_or(Ok(auth), |fault| Err(fault.into()))
}

/// What the verifier returns to Talkdesk.
#[derive(Serialize)]
struct Parameters {
    login_id: i64,
}

async fn verify(auth: &Auth<'_>) -> Option<i64> {
    auth.text("password").is_some_and(|password| same(password, TOKEN)).then_some(12)
}

pub(super) fn failed() -> Answer {
    unauthorized(r#"{"error":"server_error","error_description":"the credentials could not be verified"}"#)
}

fn unauthorized(body: &'static str) -> Answer {
    const CHALLENGE: HeaderValue = HeaderValue::from_static("Talkdesk realm=\"auth\"");

    let mut response = answer(StatusCode::UNAUTHORIZED, JSON, body);
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}

fn malformed(description: &str) -> Answer {
    invalid_request(StatusCode::BAD_REQUEST, description)
}

/// An error of RFC 6749.
fn invalid_request(status: StatusCode, error_description: &str) -> Answer {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: &'static str,
        error_description: &'a str,
    }

    let refusal = Refusal { error: "invalid_request", error_description };
    answer(status, JSON, serde_json::to_vec(&refusal).expect("text is JSON"))
}
