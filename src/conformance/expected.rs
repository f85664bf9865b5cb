use std::fmt;

use bytes::Bytes;
use http::{
    Response,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{call::shown, shape::Shape, values::Values, websocket};

/// An answer that the contract allows to a [`Call`](super::Call).
///
/// An answer must have the status, the content type and the body, exactly. Without being told, a 401 must also have a
/// challenge, and an answer no header twice that is to be given once. It must not repeat a secret of the request, and the
/// platform must not read it as admitted unless [`admits`](Self::admits) says that it may.
///
/// ```
/// use tower_verify::conformance::Expected;
///
/// let open = Expected::status(200).content_type("application/json").json(r#"{"open":true}"#).admits();
/// let shut = Expected::status(400).content_type("application/json").json(r#"{"open":false,"reason?":"<text>"}"#);
/// assert_eq!(open.to_string(), r#"200, application/json, {"open":true}"#);
/// assert_eq!(open.or(shut).to_string().matches(" or ").count(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Expected {
    answers: Vec<Answer>,
    may_repeat_secrets: bool,
}

/// One of the answers that are allowed.
#[derive(Debug, Clone)]
struct Answer {
    status: Option<u16>,
    content_type: Option<&'static str>,
    headers: Vec<&'static str>,
    websocket: Option<String>,
    body: Body,
    admits: bool,
    not_stored: bool,
}

#[derive(Debug, Clone)]
enum Body {
    Any,
    Exactly(Bytes),
    Json(Shape),
}

impl Expected {
    /// An answer with this status, and any body.
    pub fn status(status: u16) -> Self {
        Self::one(Answer {
            status: Some(status),
            content_type: None,
            headers: Vec::new(),
            websocket: None,
            body: Body::Any,
            admits: false,
            not_stored: false,
        })
    }

    /// An answer that opens the WebSocket for which a call asked with this `Sec-WebSocket-Key`
    /// ([`Call::websocket`](super::Call::websocket)).
    ///
    /// The status must be 101, and `Upgrade`, `Connection` and `Sec-WebSocket-Accept`, which is computed from the key, what a
    /// client needs (RFC 6455, section 4.1). There must be no extension and no subprotocol: ask for none.
    pub fn websocket(key: impl Into<String>) -> Self {
        Self::status(101).alter(|answer| answer.websocket = Some(key.into()))
    }

    /// Any answer that the platform does not read as admitted, such as the app's own to another path.
    pub fn not_admitted() -> Self {
        Self::status(0).alter(|answer| answer.status = None).may_repeat_secrets()
    }

    /// The same answer with another status.
    pub fn at_status(self, status: u16) -> Self {
        self.alter(|answer| answer.status = Some(status))
    }

    /// Requires this media type. Its parameters are compared without regard to case and spaces; JSON may also have the
    /// parameter `charset=utf-8`.
    pub fn content_type(self, content_type: &'static str) -> Self {
        self.alter(|answer| answer.content_type = Some(content_type))
    }

    /// Requires a header, of any value.
    pub fn header(self, name: &'static str) -> Self {
        self.alter(|answer| answer.headers.push(name))
    }

    /// Requires exactly this body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.alter(|answer| answer.body = Body::Exactly(body))
    }

    /// Requires a JSON body of this pattern, without a member twice.
    ///
    /// The pattern is JSON. The strings `<string>`, `<text>` (a string that is not empty), `<integer>`, `<scalar>` (a
    /// string, an integer or a boolean), `<object>` and `<any>` stand for any value of that kind, and `${name}` for a
    /// value of the suite. An array of one pattern stands for any number of elements that match it. A member whose name
    /// ends in `?` may be missing. Other members are a fault, unless the pattern has a member `*`, which they then match.
    ///
    /// # Panics
    /// If the pattern is not JSON.
    pub fn json(self, pattern: &str) -> Self {
        let shape = Shape::parse(pattern).unwrap_or_else(|error| panic!("the pattern {pattern} is not JSON: {error}"));
        self.alter(|answer| answer.body = Body::Json(shape))
    }

    /// Requires `Cache-Control: no-store`. One check of a suite says so for each kind of answer: on every answer, a server
    /// that forgets it would fail every check, and nobody would see what else is wrong.
    pub fn not_stored(self) -> Self {
        self.alter(|answer| answer.not_stored = true)
    }

    /// The platform reads the answer as admitted. By default it must not.
    pub fn admits(self) -> Self {
        self.alter(|answer| answer.admits = true)
    }

    /// The answer may repeat what was sent.
    pub fn may_repeat_secrets(mut self) -> Self {
        self.may_repeat_secrets = true;
        self
    }

    /// Allows the answers of `other` too.
    pub fn or(mut self, other: Self) -> Self {
        self.answers.extend(other.answers);
        self.may_repeat_secrets |= other.may_repeat_secrets;
        self
    }

    fn one(answer: Answer) -> Self {
        Self { answers: vec![answer], may_repeat_secrets: false }
    }

    /// Changes the answer that is being described: the first one, as [`or`](Self::or) adds whole ones.
    fn alter(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        change(&mut self.answers[0]);
        self
    }

    /// The faults of an answer, compared with the most similar of the allowed ones.
    pub(super) fn violations(
        &self,
        answer: &Response<Bytes>,
        admitted: bool,
        values: &Values,
        secrets: &[(&str, &str)],
    ) -> Vec<String> {
        let closest = self.answers.iter().map(|allowed| allowed.violations(answer, values));
        let mut violations = closest.min_by_key(Vec::len).unwrap_or_default();
        if admitted && !self.answers.iter().any(|allowed| allowed.admits) {
            violations.insert(0, "the platform reads this answer as admitted".into());
        }
        if !self.may_repeat_secrets {
            let headers = answer.headers().values().map(|value| value.as_bytes());
            let texts: Vec<&[u8]> = headers.chain([&answer.body()[..]]).collect();
            let repeated = |secret: &str| texts.iter().any(|text| contains(text, secret.as_bytes()));
            let repeated = secrets.iter().filter(|(_, secret)| repeated(secret));
            violations.extend(repeated.map(|(name, _)| format!("the answer repeats the secret `{name}`")));
        }
        violations
    }
}

impl Answer {
    fn violations(&self, answer: &Response<Bytes>, values: &Values) -> Vec<String> {
        let mut violations = Vec::new();
        let status = answer.status().as_u16();
        match self.status {
            Some(expected) if expected != status => violations.push(format!("the status is {status}, not {expected}")),
            _ => {}
        }
        if self.status.is_some() {
            self.check_headers(answer, &mut violations);
        }
        match &self.body {
            Body::Any => {}
            Body::Exactly(body) if body == answer.body() => {}
            Body::Exactly(body) => violations.push(format!("the body is not exactly `{}`", shown(body))),
            Body::Json(shape) => violations.extend(shape.difference(answer.body(), values)),
        }
        violations
    }

    fn check_headers(&self, answer: &Response<Bytes>, violations: &mut Vec<String>) {
        let headers = answer.headers();
        let values = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        if let Some(expected) = self.content_type
            && !values(CONTENT_TYPE).any(|given| is_media_type(given, expected))
        {
            violations.push(format!("the content type is not {expected}"));
        }
        let no_store = |value: &str| value.split(',').any(|part| part.trim().eq_ignore_ascii_case("no-store"));
        if self.not_stored && !values(CACHE_CONTROL).any(no_store) {
            violations.push("`Cache-Control: no-store` is missing".into());
        }
        if answer.status() == 401 && !headers.contains_key(WWW_AUTHENTICATE) {
            violations.push("a 401 without `WWW-Authenticate` (RFC 9110, section 15.5.2)".into());
        }
        for name in &self.headers {
            if !headers.contains_key(*name) {
                violations.push(format!("the header `{name}` is missing"));
            }
        }
        if let Some(key) = &self.websocket {
            violations.extend(websocket::violations(headers, key));
        }
        for name in [CONTENT_TYPE, CONTENT_LENGTH, RETRY_AFTER] {
            if headers.get_all(&name).iter().nth(1).is_some() {
                violations.push(format!("the header `{name}` is given twice"));
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, answer) in self.answers.iter().enumerate() {
            if index > 0 {
                f.write_str(" or ")?;
            }
            let Some(status) = answer.status else {
                f.write_str("anything that the platform does not read as admitted")?;
                continue;
            };
            write!(f, "{status}")?;
            if let Some(content_type) = answer.content_type {
                write!(f, ", {content_type}")?;
            }
            for name in &answer.headers {
                write!(f, ", with `{name}`")?;
            }
            if let Some(key) = &answer.websocket {
                write!(f, ", the handshake that answers `{key}`")?;
            }
            match &answer.body {
                Body::Any => {}
                Body::Exactly(body) if body.is_empty() => f.write_str(", no body")?,
                Body::Exactly(body) => write!(f, ", exactly `{}`", shown(body))?,
                Body::Json(shape) => write!(f, ", {shape}")?,
            }
        }
        Ok(())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// Whether `given` is the media type `expected` (RFC 9110, section 8.3.1).
fn is_media_type(given: &str, expected: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase().replace('"', ""));
        let essence = parts.next().unwrap_or_default();
        let mut parameters: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        if essence == "application/json" {
            parameters.retain(|parameter| parameter != "charset=utf-8");
        }
        parameters.sort();
        (essence, parameters)
    };
    parts(given) == parts(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Bytes::from(body)).unwrap()
    }

    const WORD: &[(&str, &str)] =
        &[("content-type", "text/plain;charset=UTF-8"), ("cache-control", "private, no-store")];

    #[test]
    fn media_types_are_compared_without_regard_to_case_and_spaces() {
        for (given, expected, same) in [
            ("text/plain; charset=utf-8", "text/plain; charset=utf-8", true),
            ("Text/Plain;charset=\"UTF-8\"", "text/plain; charset=utf-8", true),
            ("text/plain", "text/plain; charset=utf-8", false),
            ("application/json; charset=UTF-8", "application/json", true),
            ("application/json; charset=latin1", "application/json", false),
            ("application/problem+json", "application/json", false),
        ] {
            assert_eq!(is_media_type(given, expected), same, "{given}");
        }
    }

    #[test]
    fn each_difference_of_an_answer_is_a_violation() {
        let word =
            Expected::status(200).content_type("text/plain; charset=utf-8").body("Validated").admits().not_stored();
        let check =
            |answer: &Response<Bytes>| word.violations(answer, true, &Values::default(), &[("token", "2121sa")]);
        assert_eq!(check(&answer(200, WORD, "Validated")), [""; 0]);
        for (status, headers, body, said) in [
            (204, WORD, "Validated", &["the status is 204, not 200"][..]),
            (200, WORD, "Validated\n", &["the body is not exactly `Validated`"]),
            (200, &WORD[..1], "Validated", &["`Cache-Control: no-store` is missing"]),
            (200, &WORD[1..], "Validated", &["the content type is not text/plain; charset=utf-8"]),
            (
                401,
                WORD,
                "Validated",
                &["the status is 401, not 200", "a 401 without `WWW-Authenticate` (RFC 9110, section 15.5.2)"],
            ),
            (200, &[WORD, WORD].concat(), "Validated", &["the header `content-type` is given twice"]),
            (200, WORD, "2121sa", &["the body is not exactly `Validated`", "the answer repeats the secret `token`"]),
            (200, &[WORD, &[("x", "a2121sab")]].concat(), "Validated", &["the answer repeats the secret `token`"]),
        ] {
            assert_eq!(check(&answer(status, headers, body)), said);
        }
    }

    #[test]
    fn the_law_holds_for_every_answer_that_may_not_admit() {
        let word = |word| Expected::status(200).body(word);
        let admitted = ["the platform reads this answer as admitted"];
        let validated = answer(200, WORD, "Validated");
        assert_eq!(Expected::not_admitted().violations(&validated, true, &Values::default(), &[]), admitted);
        assert_eq!(Expected::not_admitted().violations(&answer(404, &[], ""), false, &Values::default(), &[]), [""; 0]);
        assert_eq!(word("Validated").violations(&validated, true, &Values::default(), &[]), admitted);
        let either = word("BadRequest").or(word("Validated").admits());
        assert_eq!(either.violations(&validated, true, &Values::default(), &[]), [""; 0]);
        assert_eq!(either.violations(&answer(200, WORD, "x"), false, &Values::default(), &[]).len(), 1);
    }

    #[test]
    fn a_required_header_and_json_are_checked() {
        let json =
            Expected::status(429).header("retry-after").content_type("application/json").json(r#"{"a":"<text>"}"#);
        let said = json.violations(&answer(429, WORD, r#"{"a":1}"#), false, &Values::default(), &[]);
        assert_eq!(
            said,
            [
                "the content type is not application/json",
                "the header `retry-after` is missing",
                "/a is an integer, not <text>"
            ]
        );
        assert_eq!(json.to_string(), r#"429, application/json, with `retry-after`, {"a":"<text>"}"#);
        assert!(Expected::not_admitted().to_string().starts_with("anything"));
    }

    #[test]
    #[should_panic(expected = "is not JSON")]
    fn a_pattern_must_be_json() {
        let _ = Expected::status(200).json("{");
    }
}
