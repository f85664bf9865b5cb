//! The strict reader of JSON, beside serde_json and jzon. The input is the text.

#![no_main]

use jzon::JsonValue;
use libfuzzer_sys::fuzz_target;
use serde_json::{Number, Value};
use tower_verify::wire::{
    self,
    json::{self, Value as Read},
};
use tower_verify_fuzz::reference::{self, Flat, Json, Shallow};

const NAMES: [&str; 3] = ["a", "b", "auth"];

fuzz_target!(|text: &str| {
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > 100 {
        let _ = (json::members(text, &NAMES), json::object(text, "auth"), json::typed::<Value>(text));
        return;
    }
    let jzon = jzon::parse(text).ok();
    members(text, jzon.as_ref());
    object(text, jzon.as_ref());
    typed(text, jzon.as_ref());
});

/// Both must read a text or refuse it. If half of a surrogate pair is in what is skipped, the crate may refuse it too.
fn assert_read(text: &str, read: bool, expected: bool) {
    let is_whole = || serde_json::from_str::<Json>(text).is_ok();
    assert!(read == expected || (expected && !is_whole()), "read: {read}, by the reference: {expected}");
}

/// `members` reads what serde_json reads, and refuses duplicates.
fn members(text: &str, jzon: Option<&JsonValue>) {
    let read = json::members(text, &NAMES);
    let secrets = json::secrets(&text.into(), &NAMES).ok();
    let texts = read.as_ref().ok().and_then(|read| {
        let one = |value: &Option<Read<'_>>| match value {
            None | Some(Read::Null) => Some(None),
            Some(Read::Text(text)) => Some(Some(text.to_string())),
            Some(_) => None,
        };
        read.iter().map(one).collect::<Option<Vec<_>>>()
    });
    let secrets = secrets.map(|all| all.map(|one| one.map(|secret| secret.expose_secret().to_owned())));
    assert_eq!(secrets.map(Vec::from), texts);
    let expected = reference::members(text.as_bytes(), NAMES);
    assert_read(text, read.is_ok(), expected.is_some());
    let (Ok(read), Some(expected)) = (read, expected) else { return };
    for ((name, read), expected) in NAMES.into_iter().zip(read).zip(expected) {
        assert_eq!(read.is_some(), expected.is_some());
        if let (Some(read), Some(expected)) = (read, expected) {
            assert_same(&read, &expected, jzon.map(|object| &object[name]));
        }
    }
}

/// `object` returns each member of the inner object, in their order.
fn object(text: &str, jzon: Option<&JsonValue>) {
    let read = json::object(text, "auth");
    let expected = reference::all_members::<Flat>(text.as_bytes(), |name| name == "auth");
    let expected = expected.and_then(|mut members| match (members.pop(), &members[..]) {
        (None, _) => Some(None),
        (Some((_, Flat(inner))), []) => Some(Some(inner)),
        _ => None,
    });
    assert_read(text, read.is_ok(), expected.is_some());
    let (Ok(read), Some(expected)) = (read, expected) else { return };
    assert_eq!(read.as_ref().map(Vec::len), expected.as_ref().map(Vec::len));
    let (read, expected) = (read.unwrap_or_default(), expected.unwrap_or_default());
    for ((name, read), (expected_name, Shallow(value))) in read.iter().zip(&expected) {
        assert_eq!(name, expected_name);
        let jzon = jzon.filter(|_| is_once(&expected, expected_name));
        assert_same(read, value, jzon.map(|object| &object["auth"][&**name]));
    }
}

/// jzon keeps the last of several members with one name.
fn is_once(members: &[(String, Shallow)], name: &str) -> bool {
    members.iter().filter(|(other, _)| other == name).count() == 1
}

/// `typed` reads what serde_json reads, without a name that is twice anywhere.
fn typed(text: &str, jzon: Option<&JsonValue>) {
    let read = json::typed::<Value>(text);
    let expected: Option<Json> = serde_json::from_str(text).ok();
    let expected = expected.filter(|json| !json.has_duplicates());
    assert_eq!(read.is_ok(), expected.is_some(), "one of the two reads it");
    let (Ok(read), Some(expected)) = (read, expected) else { return };
    assert_eq!(read, value(expected));
    assert!(jzon.is_none_or(|jzon| is_same(&read, jzon)), "jzon reads something else");
    assert_eq!(wire::text(text.to_owned().into()).expect("it is UTF-8"), text);
}

fn value(json: Json) -> Value {
    match json {
        Json::Object(members) => Value::Object(members.into_iter().map(|(name, json)| (name, value(json))).collect()),
        Json::Array(items) => Value::Array(items.into_iter().map(value).collect()),
        Json::Other(value) => value,
    }
}

fn assert_same(read: &Read<'_>, expected: &Value, jzon: Option<&JsonValue>) {
    match (read, expected) {
        (Read::Text(text), Value::String(expected)) => assert_eq!(text, expected),
        (Read::Integer(integer), Value::Number(number)) => assert_eq!(Some(*integer), number.as_i64()),
        (Read::Boolean(boolean), Value::Bool(expected)) => assert_eq!(boolean, expected),
        (Read::Null, Value::Null) | (Read::Other, Value::Array(_) | Value::Object(_)) => {}
        (Read::Other, Value::Number(number)) => assert!(!number.is_i64(), "an integer is lost"),
        (read, expected) => panic!("{read:?} is read, and {expected} expected"),
    }
    let is_nested = expected.is_array() || expected.is_object();
    assert!(is_nested || jzon.is_none_or(|jzon| is_same(expected, jzon)), "jzon reads something else");
}

/// Whether two parsers read the same. jzon's numbers are decimal and limited, so that only integers are compared.
fn is_same(value: &Value, jzon: &JsonValue) -> bool {
    let same_number = |number: &Number| match (number.as_i64(), jzon.as_number().map(|number| number.as_parts())) {
        (Some(ours), Some((is_positive, mantissa, 0))) => {
            i128::from(ours) == if is_positive { i128::from(mantissa) } else { -i128::from(mantissa) }
        }
        (_, other) => other.is_some(),
    };
    match value {
        Value::Null => jzon.is_null(),
        Value::Bool(boolean) => jzon.as_bool() == Some(*boolean),
        Value::Number(number) => same_number(number),
        Value::String(text) => jzon.as_str() == Some(text),
        Value::Array(items) => {
            items.len() == jzon.len() && items.iter().zip(jzon.members()).all(|(a, b)| is_same(a, b))
        }
        Value::Object(members) => {
            members.len() == jzon.len() && members.iter().all(|(name, value)| is_same(value, &jzon[&**name]))
        }
    }
}
