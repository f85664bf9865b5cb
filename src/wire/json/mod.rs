//! Strict JSON objects, for credentials.
//!
//! | function | what it reads |
//! |---|---|
//! | [`members`] | members of the body, by name |
//! | [`secrets`] | the same, as secrets: for members that are strings |
//! | [`object`], [`for_each_member`] | all members of one object in the body |
//! | [`typed`] | a type that implements serde's `Deserialize` |
//!
//! [`escaped`] writes a text into a response.
//!
//! Unlike serde's derive, all but [`typed`]
//!
//! * refuse a name that is given twice,
//! * return a value of the wrong type as a [`Value`], where the message of an error would repeat it,
//! * bound the depth and the number of ignored members,
//! * borrow text that has no escapes.

mod object;
mod reader;
#[cfg(test)]
mod reference;
mod typed;

use std::{borrow::Cow, fmt};

use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use self::reader::Reader;
pub use self::{
    object::{Object, for_each_member, object},
    typed::typed,
};
use crate::{Rejection, Secret};

/// The value of a member. [`members`] and [`object`] have examples.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A string, borrowed if it has no escapes.
    Text(Cow<'a, str>),
    /// An integer of 64 bits.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// Anything else: a fraction, a larger integer, an array or an object.
    Other,
}

/// Shows the type alone: the value may be a credential.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text([redacted])",
            Self::Integer(_) => "Integer([redacted])",
            Self::Boolean(_) => "Boolean([redacted])",
            Self::Null => "Null",
            Self::Other => "Other",
        })
    }
}

/// The members `names` of the object `text`, in the order of `names`. Other members are ignored.
///
/// ```
/// use tower_verify::wire::json::{self, Value};
///
/// let body = r#"{"user": "john", "token": "605b32dd", "more": [1, 2]}"#;
/// let [user, admin] = json::members(body, &["user", "admin"])?;
/// assert_eq!((user, admin), (Some(Value::Text("john".into())), None));
///
/// let twice = json::members(r#"{"user": "john", "user": "jane"}"#, &["user"]);
/// assert_eq!(twice.unwrap_err().detail(), "`user` is given more than once");
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// If `text` is not a JSON object, one of `names` is given twice, more than 1,024 members are ignored (a name with escapes
/// counts as one more), or an ignored member is nested deeper than 128 levels.
// Inlined, so that the compiler knows the names.
#[inline(always)]
pub fn members<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
) -> Result<[Option<Value<'a>>; N], Rejection> {
    let mut members = [const { None }; N];
    let mut reader = Reader::open(text, names, None)?;
    // Most calls have their members in the order of the contract.
    let mut likely = 0;
    while let Some(index) = reader.key_among(names, likely)? {
        let Some(index) = index else {
            reader.ignore()?;
            continue;
        };
        let value = reader.value()?;
        if members[index].is_some() {
            return Err(twice(names[index]).with_field(names[index]));
        }
        members[index] = Some(value);
        likely = index + 1;
    }
    reader.end()?;
    Ok(members)
}

/// The members `names` of the object `text` as secrets, in the order of `names`. A member that is `null` is `None`.
///
/// It is [`members`] for strings alone, with each as a [slice](Secret::slice_of) of `text`.
///
/// ```
/// use bytes::Bytes;
/// use tower_verify::wire::{self, json};
///
/// let body = wire::text(Bytes::from(r#"{"user": "john", "pass": "605b32dd", "device": null, "more": 1}"#))?;
/// let [user, password, device] = json::secrets(&body, &["user", "pass", "device"])?;
/// assert!(user.is_some_and(|user| user == "john") && password.is_some_and(|password| password == "605b32dd"));
/// assert!(device.is_none());
///
/// let rejection = json::secrets(&body, &["more"]).unwrap_err();
/// assert_eq!(rejection.detail(), "`more` must be a string");
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// Those of [`members`], and if one of `names` is neither a string nor `null`.
pub fn secrets<const N: usize>(text: &ByteString, names: &[&'static str; N]) -> Result<[Option<Secret>; N], Rejection> {
    let mut secrets = [const { None }; N];
    for ((secret, value), name) in secrets.iter_mut().zip(members(text, names)?).zip(names) {
        *secret = match value {
            Some(Value::Text(value)) => Some(Secret::slice_of(text, value)),
            None | Some(Value::Null) => None,
            Some(_) => return Err(Rejection::malformed(format!("`{name}` must be a string")).with_field(name)),
        };
    }
    Ok(secrets)
}

/// The rejection of the member `name` that is given twice.
#[cold]
fn twice(name: &str) -> Rejection {
    Rejection::malformed(format!("`{name}` is given more than once"))
}

/// A string, borrowed if it has no escapes.
// `transparent`: with serde_json's feature `arbitrary_precision`, a number is a map whose key is not a newtype.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(integer).map_or(Value::Other, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value<'de>, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value<'de>, A::Error> {
        IgnoredAny.visit_seq(seq).map(|IgnoredAny| Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value<'de>, A::Error> {
        IgnoredAny.visit_map(map).map(|IgnoredAny| Value::Other)
    }
}

/// `text` as it is written between the quotes of a JSON string, for a response whose other parts are fixed.
///
/// It is borrowed if it needs no escapes. [`response::json_text`](super::response::json_text) makes the response.
///
/// ```
/// use tower_verify::wire::json;
///
/// let name = json::escaped(r#"John "Jack" Doe"#);
/// assert_eq!(format!(r#"{{"user":"{name}"}}"#), r#"{"user":"John \"Jack\" Doe"}"#);
/// ```
pub fn escaped(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return text.into();
    }
    let quoted = serde_json::to_string(text).expect("text is JSON");
    quoted[1..quoted.len() - 1].to_owned().into()
}

/// Whether this byte of a text is the same in a JSON string.
#[inline(always)]
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::{
        reader::{MEMBERS_LIMIT, is_too_deep},
        *,
    };

    const NAMES: [&str; 2] = ["a", "b"];

    fn reason(text: &str) -> String {
        members(text, &NAMES).unwrap_err().detail().to_owned()
    }

    #[test]
    fn members_are_read_by_name_and_others_are_ignored() {
        let text = r#"{"x": [1, {"a": 2}], "b": "\u0041", "a": "plain"}"#;
        let [a, b] = members(text, &NAMES).unwrap();
        assert!(matches!(a, Some(Value::Text(Cow::Borrowed("plain")))));
        assert_eq!(b, Some(Value::Text("A".into())));
        assert_eq!(members("{}", &NAMES).unwrap(), [None, None]);
    }

    #[test]
    fn types_are_told_apart() {
        for (text, value) in [
            ("\"\"", Value::Text("".into())),
            ("-7", Value::Integer(-7)),
            ("9223372036854775807", Value::Integer(i64::MAX)),
            ("9223372036854775808", Value::Other),
            ("1.0", Value::Other),
            ("false", Value::Boolean(false)),
            ("null", Value::Null),
            ("[]", Value::Other),
            ("{\"a\": 1}", Value::Other),
        ] {
            let text = format!("{{\"a\": {text}}}");
            assert_eq!(members(&text, &["a"]).unwrap(), [Some(value)], "{text}");
        }
    }

    #[test]
    fn depth_counts_open_brackets_and_no_closed_ones() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(&nested(127)) && is_too_deep(&nested(128)));
        for beside in ["[]", "{}", r#""[[[[[[[[[[\"[[[[[""#] {
            assert!(!is_too_deep(&format!("[{}0]", format!("{beside},").repeat(300))), "{beside}");
        }
    }

    #[test]
    fn a_comma_stands_between_two_members_and_nowhere_else() {
        for text in [r#"{,"a":1}"#, r#"{"a":1,}"#, r#"{"a":1,,"b":2}"#, r#"{"a":1 "b":2}"#, "{,}"] {
            assert!(members(text, &NAMES).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duplicate_key_is_refused_with_escapes_too() {
        let rejection = members(r#"{"a": "1", "\u0061": "1"}"#, &NAMES).unwrap_err();
        assert_eq!((rejection.detail(), rejection.field()), ("`a` is given more than once", Some("a")));
    }

    #[test]
    fn secrets_are_strings() {
        let secret = |text: &'static str| secrets(&ByteString::from_static(text), &["a"]).map(|[secret]| secret);
        let text = r#"{"a": "a token of more than 23 bytes"}"#;
        assert_eq!(secret(text).unwrap().unwrap().expose_secret().as_ptr(), text[7..].as_ptr());
        assert_eq!(secret(r#"{"a": "\u0041"}"#), Ok(Some("A".into())));
        assert_eq!((secret("{}"), secret(r#"{"a": null}"#)), (Ok(None), Ok(None)));
        for text in [r#"{"a": 605}"#, r#"{"a": true}"#, r#"{"a": ["605"]}"#, r#"{"a": {}}"#] {
            let rejection = secret(text).unwrap_err();
            assert_eq!((rejection.detail(), rejection.field()), ("`a` must be a string", Some("a")));
        }
        assert!(secret(r#"{"a": "1", "a": "1"}"#).is_err());
    }

    #[test]
    fn too_many_ignored_members_are_refused() {
        let ignored = |count| format!("{{{}\"a\": \"1\"}}", "\"x\": 1,".repeat(count));
        assert!(members(&ignored(MEMBERS_LIMIT), &NAMES).is_ok());
        assert_eq!(reason(&ignored(MEMBERS_LIMIT + 1)), "the body has too many members");

        let escaped = |count| ignored(count).replace("\"x\"", "\"\\u0078\"");
        assert!(members(&escaped(MEMBERS_LIMIT / 2), &NAMES).is_ok());
        assert_eq!(reason(&escaped(MEMBERS_LIMIT / 2 + 1)), "the body has too many members");
    }

    #[test]
    fn a_body_that_is_not_an_object_is_refused_and_not_repeated() {
        for text in ["\"secret\"", "[\"secret\"]", "1", "null", "true"] {
            assert_eq!(reason(text), "the body is not a JSON object");
        }
        for text in ["", "{", "{\"a\":}", "{\"a\":\"secret\"} x", "{\"a\":\"\\ud800\"}", "\u{feff}{}", "{'a':1}"] {
            assert!(reason(text).starts_with("the body is not valid JSON (line 1, column "), "{text}");
        }
    }

    #[test]
    fn the_depth_of_ignored_values_is_bounded() {
        let nested = |open: &str, close: &str, depth| {
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            members(&format!("{{\"ignored\": {value}, \"a\": {value}}}"), &NAMES).map(|[a, _]| a == Some(Value::Other))
        };
        for (open, close) in [("[", "]"), ("{\"]}\\\"[\": ", "}"), ("[\"{[\", ", "]")] {
            assert_eq!(nested(open, close, 127), Ok(true));
            assert_eq!(nested(open, close, 128).unwrap_err().detail(), "the body is nested too deeply");
        }
        assert!(nested("[", "]", 200_000).is_err());
    }

    #[test]
    fn a_deep_value_of_the_wrong_type_does_not_overflow_the_stack() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(members(&deep, &NAMES).unwrap(), [Some(Value::Other), None]);
    }
}
