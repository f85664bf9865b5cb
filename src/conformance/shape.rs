//! JSON answers: a strict reader, and the pattern that an answer must match.

use std::fmt;

use super::values::{Place, Values};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A pattern of JSON: see [`Expected::json`](super::Expected::json).
#[derive(Debug, Clone)]
pub(super) struct Shape(Value);

impl Shape {
    pub(super) fn parse(pattern: &str) -> Result<Self, serde_json::Error> {
        strict(pattern.as_bytes()).map(Self)
    }

    /// The first difference of `body` from the pattern.
    /// In the pattern, `${name}` stands for one of the values.
    pub(super) fn difference(&self, body: &[u8], values: &Values) -> Option<String> {
        match strict(body) {
            Ok(value) => difference(&self.0, &value, "", values),
            Err(error) => Some(format!("the body is not strict JSON: {error}")),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first difference of `value` at the JSON pointer `at`. It does not repeat the value, which may be a credential.
fn difference(pattern: &Value, value: &Value, at: &str, values: &Values) -> Option<String> {
    let here = if at.is_empty() { "the body" } else { at };
    match (pattern, value) {
        (Value::Object(pattern), Value::Object(members)) => object_difference(pattern, members, at, values),
        (Value::Array(pattern), Value::Array(elements)) if pattern.len() == 1 => {
            let mut elements = elements.iter().enumerate();
            elements.find_map(|(index, value)| difference(&pattern[0], value, &format!("{at}/{index}"), values))
        }
        (Value::String(marker), value) if is_marker(marker) => {
            let matches = match &**marker {
                "<string>" => value.is_string(),
                "<text>" => value.as_str().is_some_and(|text| !text.is_empty()),
                "<integer>" => value.is_i64(),
                "<scalar>" => value.is_string() || value.is_i64() || value.is_boolean(),
                "<object>" => value.is_object(),
                _ => true,
            };
            (!matches).then(|| format!("{here} is {}, not {marker}", kind(value)))
        }
        (Value::String(template), Value::String(text)) if template.contains("${") => {
            let expected = values.render(template.as_bytes(), Place::Pattern);
            let same = expected.is_ok_and(|expected| expected == text.as_bytes());
            (!same).then(|| format!("{here} is another value than {pattern}"))
        }
        (pattern, value) if pattern == value => None,
        (pattern, value) if kind(pattern) == kind(value) => Some(format!("{here} is another value than {pattern}")),
        (pattern, value) => Some(format!("{here} is {}, not {pattern}", kind(value))),
    }
}

fn object_difference(
    pattern: &Map<String, Value>,
    members: &Map<String, Value>,
    at: &str,
    values: &Values,
) -> Option<String> {
    for (name, pattern) in pattern.iter().filter(|(name, _)| *name != "*") {
        let (name, optional) = name.strip_suffix('?').map_or((&**name, false), |name| (name, true));
        let at = format!("{at}/{name}");
        let found = match members.get(name) {
            Some(value) => difference(pattern, value, &at, values),
            None if optional => None,
            None => Some(format!("{at} is missing")),
        };
        if found.is_some() {
            return found;
        }
    }
    let known = |name: &str| pattern.contains_key(name) || pattern.contains_key(&format!("{name}?"));
    let mut others = members.iter().filter(|(name, _)| !known(name));
    match pattern.get("*") {
        Some(pattern) => others.find_map(|(name, value)| difference(pattern, value, &format!("{at}/{name}"), values)),
        None => others.next().map(|(name, _)| format!("{at}/{name} is not documented")),
    }
}

fn is_marker(text: &str) -> bool {
    ["<string>", "<text>", "<integer>", "<scalar>", "<object>", "<any>"].contains(&text)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_i64() => "an integer",
        Value::Number(_) => "a fraction or a large integer",
        Value::String(text) if text.is_empty() => "an empty string",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads JSON that has no member twice. `serde_json::Value` would keep the last one.
pub(super) fn strict(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body).map(|Strict(value)| value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value, E> {
        Ok(boolean.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_f64<E>(self, fraction: f64) -> Result<Value, E> {
        Ok(Number::from_f64(fraction).map_or(Value::Null, Value::Number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = map.next_entry::<String, _>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("the member `{name}` is given twice")));
            }
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_markers_optional_members_and_others() {
        let mut values = Values::default();
        values.insert("token", "605b".into(), true);
        let difference =
            |pattern: &str, body: &str| Shape::parse(pattern).unwrap().difference(body.as_bytes(), &values);
        let agent = r#"{"success":false,"errorMessage?":"<string>","result":"<text>"}"#;
        for (pattern, body) in [
            (agent, r#"{"result":"x","success":false}"#),
            (agent, r#"{"result":"x","success":false,"errorMessage":""}"#),
            (r#"{"*":"<scalar>"}"#, "{}"),
            (r#"{"*":"<scalar>"}"#, r#"{"a":1,"b":"","c":true}"#),
            (r#"{"a":{"b":"<integer>"},"*":"<any>"}"#, r#"{"a":{"b":-7},"c":null}"#),
            (r#"["<text>"]"#, "[]"),
            (r#"{"a":["<text>"]}"#, r#"{"a":["b","c"]}"#),
            (r#"[{"id":"<text>","*":"<any>"}]"#, r#"[{"id":"1"},{"id":"2","x":null}]"#),
            ("[1,2]", "[1,2]"),
            (r#""Validated""#, r#" "Validated" "#),
            (r#"{"a":"${token}"}"#, r#"{"a":"605b"}"#),
        ] {
            assert_eq!(difference(pattern, body), None, "{body}");
        }
        for (pattern, body, said) in [
            (agent, r#"{"success":"false","result":"x"}"#, "/success is a string, not false"),
            (agent, r#"{"success":true,"result":"x"}"#, "/success is another value than false"),
            (agent, r#"{"success":false}"#, "/result is missing"),
            (agent, r#"{"success":false,"result":""}"#, "/result is an empty string, not <text>"),
            (agent, r#"{"success":false,"result":"x","more":1}"#, "/more is not documented"),
            (agent, r#"{"success":false,"success":false,"result":"x"}"#, "the member `success` is given twice"),
            (r#"{"a":"${token}"}"#, r#"{"a":"605c"}"#, "/a is another value than \"${token}\""),
            (r#"{"a":"${other}"}"#, r#"{"a":"605b"}"#, "/a is another value than \"${other}\""),
            (agent, "[]", "the body is an array, not {"),
            (agent, "{}x", "the body is not strict JSON: trailing characters"),
            (r#"{"*":"<scalar>"}"#, r#"{"a":1.5}"#, "/a is a fraction or a large integer, not <scalar>"),
            (r#"{"a":{"b":"<integer>"}}"#, r#"{"a":{"b":"7"}}"#, "/a/b is a string, not <integer>"),
            (r#"{"a":"<object>"}"#, r#"{"a":null}"#, "/a is null, not <object>"),
            (r#"["<text>"]"#, r#"["a",""]"#, "/1 is an empty string, not <text>"),
            (r#"{"a":[{"id":"<text>"}]}"#, r#"{"a":[{"id":"1"},{}]}"#, "/a/1/id is missing"),
            (r#"{"a":["<text>"]}"#, r#"{"a":{}}"#, "/a is an object, not [\"<text>\"]"),
            ("[1,2]", "[1]", "the body is another value than [1,2]"),
        ] {
            let said_so = difference(pattern, body).unwrap();
            assert!(said_so.contains(said), "{said_so}");
        }
        assert!(Shape::parse("{").is_err());
    }
}
