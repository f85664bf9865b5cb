//! Readers of requests that work in another way than the crate does: by other parsers, and without a care for speed.

use std::{fmt, marker::PhantomData};

use data_encoding::BASE64;
use http::{
    HeaderMap, HeaderName,
    header::{AUTHORIZATION, COOKIE},
};
use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, value::RawValue};

/// A value whose items and members do not matter: they are not decoded, and may have what no text can have.
#[derive(Debug)]
pub struct Shallow(pub Value);

impl<'de> Deserialize<'de> for Shallow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'{') => Ok(Self(Value::Object(Map::new()))),
            Some(b'[') => Ok(Self(Value::Array(Vec::new()))),
            _ => serde_json::from_str(raw.get()).map(Self).map_err(D::Error::custom),
        }
    }
}

/// The members of a JSON object, in their order.
#[derive(Debug)]
pub struct Flat(pub Vec<(String, Shallow)>);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members { wanted: |_: &str| true, value: PhantomData }).map(Self)
    }
}

/// The members of the JSON object `body` whose names are in `names`. `None` if one of them is given twice.
pub fn members<const N: usize>(body: &[u8], names: [&str; N]) -> Option<[Option<Value>; N]> {
    let mut found = [const { None }; N];
    for (name, value) in all_members::<Shallow>(body, |name| names.contains(&name))? {
        let index = names.iter().position(|known| *known == name)?;
        if found[index].replace(value.0).is_some() {
            return None;
        }
    }
    Some(found)
}

/// The members of the JSON object `body` that are `wanted`, in their order. `None` if it is no JSON object.
pub fn all_members<T: DeserializeOwned>(body: &[u8], wanted: impl Fn(&str) -> bool) -> Option<Vec<(String, T)>> {
    let mut deserializer = serde_json::Deserializer::from_str(std::str::from_utf8(body).ok()?);
    let members = deserializer.deserialize_map(Members { wanted, value: PhantomData }).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

struct Members<F, T> {
    wanted: F,
    value: PhantomData<T>,
}

impl<'de, F: Fn(&str) -> bool, T: DeserializeOwned> Visitor<'de> for Members<F, T> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if (self.wanted)(&name) {
                members.push((name, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

/// Any JSON, with the members of all its objects in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Other(Value),
}

impl Json {
    /// Whether an object in it has a name twice.
    pub fn has_duplicates(&self) -> bool {
        match self {
            Self::Object(members) => {
                let twice = |at: usize| members[..at].iter().any(|(name, _)| *name == members[at].0);
                (0..members.len()).any(|at| twice(at) || members[at].1.has_duplicates())
            }
            Self::Array(items) => items.iter().any(Self::has_duplicates),
            Self::Other(_) => false,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Other(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

/// The one text of `value`, if it has one that is not empty.
pub fn text(value: &Option<Value>) -> Option<String> {
    value.as_ref()?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A member that may be absent, `null` or empty. `None` if it is anything else than text then.
pub fn optional(value: &Option<Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => None,
    }
}

/// The parameters of a query, in their order. `None` if anything in it is not percent-encoded UTF-8.
pub fn query(query: &str) -> Option<Vec<(String, String)>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// The values of the parameters `names`. `None` if the query is malformed, or one of them is given twice.
pub fn parameters<const N: usize>(text: &str, names: [&str; N]) -> Option<[Option<String>; N]> {
    let given = query(text)?;
    let mut found = [const { None }; N];
    for (index, name) in names.into_iter().enumerate() {
        let mut values = given.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone());
        found[index] = values.next();
        if values.next().is_some() {
            return None;
        }
    }
    Some(found)
}

fn decoded(text: &str) -> Option<String> {
    percent_decoded(&text.replace('+', " "))
}

/// Percent-encoded UTF-8.
pub fn percent_decoded(text: &str) -> Option<String> {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let percents = (0..bytes.len()).filter(|at| bytes[*at] == b'%');
    let whole = percents.map(|at| is_hex(bytes.get(at + 1)) && is_hex(bytes.get(at + 2))).all(|hex| hex);
    whole.then(|| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned()))?
}

/// The one value of a header. `None` if it is absent or given twice.
pub fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let values = Vec::from_iter(headers.get_all(name));
    match values[..] {
        [value] => Some(value.as_bytes()),
        _ => None,
    }
}

/// The token of `Authorization: Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let token = credentials(headers, "bearer")?;
    let body = token.trim_end_matches('=');
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    (!body.is_empty() && body.chars().all(allowed)).then(|| token.to_owned())
}

/// The user name and the password of `Authorization: Basic`.
pub fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    pair(credentials(headers, "basic")?.as_bytes())
}

fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let value = std::str::from_utf8(header(headers, &AUTHORIZATION)?).ok()?;
    let is_visible = value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    let (given, rest) = value.split_once(' ')?;
    (is_visible && given.to_ascii_lowercase() == scheme).then(|| rest.trim_start_matches(' '))
}

/// The id and the secret of an API key in `name`. Neither may be empty.
pub fn api_key(headers: &HeaderMap, name: &str) -> Option<(String, String)> {
    let name = HeaderName::from_bytes(name.as_bytes()).expect("the name is valid");
    pair(header(headers, &name)?).filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
}

/// The same, where the header may be absent or empty. `None` if there is one and it is wrong.
pub fn api_key_if_given(headers: &HeaderMap, name: &str) -> Option<Option<(String, String)>> {
    let values = Vec::from_iter(headers.get_all(name));
    match values[..] {
        [] => Some(None),
        [value] if value.is_empty() => Some(None),
        _ => api_key(headers, name).map(Some),
    }
}

/// The value of the one cookie `name`. `None` if it is given twice, is empty or is not visible ASCII.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(|value| value.as_bytes()).collect();
    let all = lines.join(&b';');
    let pairs = all.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let pairs = pairs.filter_map(|pair| pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?));
    let values: Vec<_> = pairs.filter(|(given, _)| *given == name.as_bytes()).map(|(_, value)| &value[1..]).collect();
    let [value] = values[..] else { return None };
    let is_visible = !value.is_empty() && value.iter().all(|byte| (b'!'..=b'~').contains(byte));
    is_visible.then(|| String::from_utf8_lossy(value).into_owned())
}

fn pair(encoded: &[u8]) -> Option<(String, String)> {
    // The decoder takes several encoded texts in a row as one.
    let padding = encoded.iter().position(|byte| *byte == b'=').unwrap_or(encoded.len());
    if encoded[padding..].iter().any(|byte| *byte != b'=') {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    let (before, after) = text.split_once(':')?;
    Some((before.to_owned(), after.to_owned()))
}

/// A header that says what a client likes: the first value that is given, if it is UTF-8 and not empty.
pub fn first_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = std::str::from_utf8(headers.get(name)?.as_bytes()).ok()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
