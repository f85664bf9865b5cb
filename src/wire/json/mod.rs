//! Strict JSON objects, for credentials.
//!
//! | function | what it reads |
//! |---|---|
//! | [`members`] | members of the body, by name |
//! | [`object`] | all members of one object in the body |
//! | [`typed`] | a type that implements serde's `Deserialize` |
//!
//! Unlike serde's derive, [`members`] and [`object`]
//!
//! * refuse a name that is given twice,
//! * return a value of the wrong type as a [`Value`], where the message of an error would repeat it,
//! * bound the depth and the number of ignored members,
//! * borrow text that has no escapes.

mod object;
mod typed;

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use self::{
    object::{Object, object},
    typed::typed,
};
use crate::Rejection;

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
/// If `text` is not a JSON object, one of `names` is given twice, more than 1,024 members are ignored, or an ignored
/// member is nested deeper than 128 levels.
pub fn members<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
) -> Result<[Option<Value<'a>>; N], Rejection> {
    let mut members = [const { None }; N];
    let mut problem = None;
    let parsed = parse(text, Members { names, members: &mut members, problem: &mut problem });
    match problem {
        None => parsed.map(|()| members).map_err(|error| invalid(&error, "the body is not a JSON object")),
        Some(rejection) => Err(rejection),
    }
}

/// Skips the value of a member that is not named, within the bounds.
fn ignore<'de, A>(map: &mut A, ignored: &mut usize, problem: &mut Option<Rejection>) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
{
    if *ignored == MEMBERS_LIMIT {
        return Err(stop(problem, too_many()));
    }
    *ignored += 1;
    if map.next_value::<Ignored>()?.too_deep { Err(stop(problem, too_deep())) } else { Ok(()) }
}

/// Stops the parser. `rejection` is returned in place of the parser's error.
fn stop<E: Error>(problem: &mut Option<Rejection>, rejection: Rejection) -> E {
    *problem = Some(rejection);
    E::custom("stopped")
}

/// Parses the whole of `text` with `seed`.
fn parse<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

/// The rejection for a parser's error.
///
/// `wrong_type` is its detail if the body is JSON of another form: the parser's own message could repeat a value.
fn invalid(error: &serde_json::Error, wrong_type: impl Into<Cow<'static, str>>) -> Rejection {
    if error.is_data() {
        Rejection::malformed(wrong_type)
    } else {
        let (line, column) = (error.line(), error.column());
        Rejection::malformed(format!("the body is not valid JSON (line {line}, column {column})"))
    }
}

/// Writes the members into the caller's array, which is too large to be returned through serde's results.
struct Members<'n, 'a, const N: usize> {
    names: &'n [&'static str; N],
    members: &'n mut [Option<Value<'a>>; N],
    problem: &'n mut Option<Rejection>,
}

/// The most members that are ignored: more than any contract will add. Each takes more time than its few bytes suggest.
const MEMBERS_LIMIT: usize = 1024;

impl<'de, const N: usize> DeserializeSeed<'de> for Members<'_, 'de, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Members<'_, 'de, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut ignored = 0;
        while let Some(index) = map.next_key_seed(IndexOf(self.names))? {
            match index {
                None => ignore(&mut map, &mut ignored, self.problem)?,
                Some(index) => {
                    if self.members[index].replace(map.next_value()?).is_some() {
                        let name = self.names[index];
                        let duplicate = Rejection::malformed(format!("`{name}` is given more than once"));
                        return Err(stop(self.problem, duplicate.with_field(name)));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A key, borrowed if it has no escapes.
// `transparent`: with serde_json's feature `arbitrary_precision`, a number is a map whose key is not a newtype.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a key as its index in the names.
struct IndexOf<'n, const N: usize>(&'n [&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for IndexOf<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for IndexOf<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// A skipped value. Only its depth is checked, which serde's `IgnoredAny` does not bound.
struct Ignored {
    too_deep: bool,
}

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let skipped = <&RawValue>::deserialize(deserializer)?;
        Ok(Self { too_deep: is_too_deep(skipped.get()) })
    }
}

/// Whether `json`, the value of a member, is nested deeper than serde_json's limit for values that it reads.
fn is_too_deep(json: &str) -> bool {
    const DEPTH_LIMIT: usize = 128;

    if !json.starts_with(['[', '{']) || json.len() < 2 * DEPTH_LIMIT {
        return false;
    }
    let mut depth = 1;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' if depth == DEPTH_LIMIT => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => {
                while let Some(byte) = bytes.next()
                    && byte != b'"'
                {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    false
}

/// The rejection of a body with more than [`MEMBERS_LIMIT`] ignored members.
fn too_many() -> Rejection {
    Rejection::malformed("the body has too many members")
}

/// The rejection of a body in which an [`Ignored`] value is too deep.
fn too_deep() -> Rejection {
    Rejection::malformed("the body is nested too deeply")
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_duplicate_key_is_refused_with_escapes_too() {
        let rejection = members(r#"{"a": "1", "\u0061": "1"}"#, &NAMES).unwrap_err();
        assert_eq!((rejection.detail(), rejection.field()), ("`a` is given more than once", Some("a")));
    }

    #[test]
    fn too_many_ignored_members_are_refused() {
        let ignored = |count| format!("{{{}\"a\": \"1\"}}", "\"x\": 1,".repeat(count));
        assert!(members(&ignored(MEMBERS_LIMIT), &NAMES).is_ok());
        assert_eq!(reason(&ignored(MEMBERS_LIMIT + 1)), "the body has too many members");
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
