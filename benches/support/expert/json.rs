//! JSON objects: text is borrowed, a name that is given twice is an error, and no value is nested deeper than
//! serde_json's limit.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// A struct with a member for each name.
pub(super) trait Members<'a>: Default {
    /// A name, as serde derives it for a `field_identifier`.
    type Name: Deserialize<'a>;
    type Value: Deserialize<'a>;

    /// The member of this name; `None` for a name that is ignored.
    fn member(&mut self, name: Self::Name) -> Option<&mut Option<Self::Value>>;
}

/// Reads an object.
pub(super) struct Object<M>(pub(super) M);

impl<'a, M: Members<'a>> Deserialize<'a> for Object<M> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<M>(PhantomData<M>);

impl<'a, M: Members<'a>> Visitor<'a> for ObjectVisitor<M> {
    type Value = Object<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Object<M>, A::Error> {
        let mut members = M::default();
        while let Some(name) = map.next_key()? {
            match members.member(name) {
                Some(member) if member.is_some() => return Err(A::Error::custom("a name is given twice")),
                Some(member) => *member = Some(map.next_value()?),
                // serde's `IgnoredAny` would not limit the nesting.
                None => drop(map.next_value::<Value<'_>>()?),
            }
        }
        Ok(Object(members))
    }
}

/// A string, borrowed if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A value of any type.
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
    Null,
    Other,
}

impl<'a> Deserialize<'a> for Value<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'a> Visitor<'a> for ValueVisitor {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value<'a>, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value<'a>, E> {
        Ok(i64::try_from(integer).map_or(Value::Other, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'a>, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value<'a>, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Value<'a>, A::Error> {
        while seq.next_element::<Value<'_>>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Value<'a>, A::Error> {
        while map.next_entry::<Value<'_>, Value<'_>>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// Says what is wrong with a body, without a value of it.
pub(super) fn fault(error: &serde_json::Error, wrong_type: &'static str) -> Cow<'static, str> {
    if error.is_data() {
        wrong_type.into()
    } else {
        format!("the body is not valid JSON (line {}, column {})", error.line(), error.column()).into()
    }
}
