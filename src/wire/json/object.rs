use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::{IndexOf, Key, Value, ignore, invalid, parse, stop};
use crate::Rejection;

/// The members of an object, in their order, as [`object`] returns them. Keys are borrowed if they have no escapes.
pub type Object<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The most members of an object: more than any integration is configured with. Sorting many more would block a thread.
const MEMBERS_LIMIT: usize = 4096;

/// The members of the object that is the member `name` of the object `text`, whatever their names.
///
/// It is `None` if there is no member `name`. Other members of `text` are ignored. A key that is given twice within the
/// inner object is there twice.
///
/// ```
/// use tower_verify::wire::json::{self, Value};
///
/// let auth = json::object(r#"{"auth": {"user": "john", "pin": 605}, "more": 1}"#, "auth")?.expect("it is there");
/// assert_eq!(auth, [("user".into(), Value::Text("john".into())), ("pin".into(), Value::Integer(605))]);
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// If `text` is not a JSON object, `name` is given twice or is not an object, the inner object has more than 4,096
/// members, more than 1,024 members are ignored, or an ignored member is nested deeper than 128 levels.
pub fn object<'a>(text: &'a str, name: &'static str) -> Result<Option<Object<'a>>, Rejection> {
    let mut problem = None;
    let parsed = parse(text, Outer { name, problem: &mut problem });
    match (parsed, problem) {
        (_, Some(rejection)) => Err(rejection),
        (Ok(members), None) => Ok(members),
        (Err(error), None) => {
            Err(invalid(&error, format!("the body must be a JSON object whose `{name}` is an object")))
        }
    }
}

/// Reads the outer object. A problem stops the parser at once.
struct Outer<'p> {
    name: &'static str,
    problem: &'p mut Option<Rejection>,
}

impl<'de> DeserializeSeed<'de> for Outer<'_> {
    type Value = Option<Object<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Outer<'_> {
    type Value = Option<Object<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { name, problem } = self;
        let (mut object, mut ignored) = (None, 0);
        while let Some(index) = map.next_key_seed(IndexOf(&[name]))? {
            if index.is_none() {
                ignore(&mut map, &mut ignored, problem)?;
            } else if object.is_some() {
                return Err(stop(problem, Rejection::malformed(format!("`{name}` is given more than once"))));
            } else {
                object = Some(map.next_value_seed(Inner { name, problem })?);
            }
        }
        Ok(object)
    }
}

/// Reads the members of the inner object.
struct Inner<'p> {
    name: &'static str,
    problem: &'p mut Option<Rejection>,
}

impl<'de> DeserializeSeed<'de> for Inner<'_> {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            if members.len() == MEMBERS_LIMIT {
                let too_many = format!("`{}` has too many fields", self.name);
                return Err(stop(self.problem, Rejection::malformed(too_many)));
            }
            members.push((key, value));
        }
        Ok(members)
    }
}
