use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Secret,
    wire::{
        json,
        percent::{self, is_unreserved},
    },
};

/// The values of a [`Suite`](super::Suite), by name: those that the tester gives, and those that answers have given.
#[derive(Clone, Default)]
pub(super) struct Values(BTreeMap<String, Value>);

#[derive(Clone)]
struct Value {
    text: Secret,
    secret: bool,
}

/// The place of a value, which decides how it is escaped: in a request, or in the pattern of an answer.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Target,
    Header,
    Body,
    Pattern,
}

impl Values {
    pub(super) fn insert(&mut self, name: &str, text: Secret, secret: bool) {
        self.0.insert(name.to_owned(), Value { text, secret });
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names and texts of all secrets that are long enough to be searched for, the longest first.
    pub(super) fn secrets(&self) -> Vec<(&str, &str)> {
        let secrets = self.0.iter().filter(|(_, value)| value.secret && value.text.len() >= 4);
        let mut secrets: Vec<_> = secrets.map(|(name, value)| (&**name, value.text.expose_secret())).collect();
        secrets.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        secrets
    }

    /// The template with its values, each escaped for its place.
    pub(super) fn render(&self, template: &[u8], place: Place) -> Result<Vec<u8>, String> {
        let mut rendered = Vec::with_capacity(template.len());
        for part in parts(template) {
            match part {
                Part::Text(text) => rendered.extend_from_slice(text),
                Part::Value { name, filter } => {
                    let value = self.0.get(name).ok_or_else(|| format!("there is no value `{name}`"))?;
                    rendered.extend_from_slice(write(value.text.expose_secret(), place, filter).as_bytes());
                }
            }
        }
        Ok(rendered)
    }
}

/// Shows the names alone.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The names of the values in a template.
pub(super) fn names(template: &[u8]) -> impl Iterator<Item = &str> {
    parts(template).filter_map(|part| match part {
        Part::Value { name, .. } => Some(name),
        Part::Text(_) => None,
    })
}

enum Part<'a> {
    Text(&'a [u8]),
    Value { name: &'a str, filter: &'a str },
}

/// Splits a template at its `${name}` and `${name|filter}`.
fn parts(mut rest: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let value = |rest: &'_ [u8]| {
            let end = rest.iter().position(|byte| *byte == b'}')?;
            rest.starts_with(b"${").then_some(end)
        };
        if let Some(end) = value(rest)
            && let Ok(inner) = std::str::from_utf8(&rest[2..end])
        {
            rest = &rest[end + 1..];
            let (name, filter) = inner.split_once('|').unwrap_or((inner, ""));
            return Some(Part::Value { name, filter });
        }
        // The first byte is text, even if it is `$`.
        let next = rest[1..].windows(2).position(|two| two == b"${").map_or(rest.len(), |at| at + 1);
        let (text, after) = rest.split_at(next);
        rest = after;
        Some(Part::Text(text))
    })
}

/// A value as it is written in its place. The filter `all` escapes each character, `plus` writes spaces as `+`,
/// `twice` percent-encodes what is percent-encoded, and `base64` is for headers.
fn write(text: &str, place: Place, filter: &str) -> String {
    match (place, filter) {
        (Place::Target, "all") => percent::encode(text, |_| false),
        (Place::Target, "plus") => percent::encode(text, is_unreserved).replace("%20", "+"),
        (Place::Target, "twice") => percent::encode(&percent::encode(text, |_| false), is_unreserved),
        (Place::Target, _) => percent::encode(text, is_unreserved),
        (Place::Header, "base64") => BASE64_STANDARD.encode(text),
        (Place::Header | Place::Pattern, _) => text.to_owned(),
        (Place::Body, "all") => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        (Place::Body, _) => json::escaped(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let mut values = Values::default();
        values.insert("token", "a b\"é+%".into(), true);
        values.insert("key", "id:secret".into(), true);
        values.insert("no", "45186".into(), false);
        values.insert("pin", "123".into(), true);
        values
    }

    fn rendered(template: &str, place: Place) -> String {
        String::from_utf8(values().render(template.as_bytes(), place).unwrap()).unwrap()
    }

    #[test]
    fn a_value_is_escaped_for_its_place() {
        for (template, place, text) in [
            ("/a?t=${token}&u=${no}", Place::Target, "/a?t=a%20b%22%C3%A9%2B%25&u=45186"),
            ("${token|plus}", Place::Target, "a+b%22%C3%A9%2B%25"),
            ("${no|all}", Place::Target, "%34%35%31%38%36"),
            ("${no|twice}", Place::Target, "%2534%2535%2531%2538%2536"),
            ("Bearer ${token}", Place::Header, "Bearer a b\"é+%"),
            ("${key|base64}", Place::Header, "aWQ6c2VjcmV0"),
            (r#"{"t":"${token}"}"#, Place::Body, r#"{"t":"a b\"é+%"}"#),
            ("${no|all}", Place::Body, r"\u0034\u0035\u0031\u0038\u0036"),
            ("$ $$ ${no}$", Place::Body, "$ $$ 45186$"),
            ("${no", Place::Body, "${no"),
        ] {
            assert_eq!(rendered(template, place), text, "{template}");
        }
    }

    #[test]
    fn a_missing_value_is_named_and_bytes_are_kept() {
        assert_eq!(values().render(b"${no}${x|all}", Place::Body), Err("there is no value `x`".into()));
        assert_eq!(values().render(b"\xff${no}\xff", Place::Body).unwrap(), b"\xff45186\xff");
        assert_eq!(names(b"${a}\xff${b|all}").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn the_longest_secret_comes_first_and_short_ones_are_not_searched_for() {
        assert_eq!(values().secrets(), [("key", "id:secret"), ("token", "a b\"é+%")]);
        assert!(!format!("{:?}", values()).contains("secret\""));
    }
}
