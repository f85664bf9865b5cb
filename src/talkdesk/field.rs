use std::fmt;

use serde::{Serialize, Serializer};

use crate::Secret;

/// The value of an authentication field: one of the three types that Talkdesk stores and sends back.
///
/// It is converted from text, from integers that fit in an `i64`, and from booleans. `Debug` shows its type alone.
///
/// ```
/// use tower_verify::talkdesk::FieldValue;
///
/// let value = FieldValue::from(12);
/// assert!(matches!(value, FieldValue::Integer(12)));
/// assert_eq!(format!("{value:?}"), "Integer([redacted])");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum FieldValue {
    /// A string.
    Text(Secret),
    /// An integer.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text([redacted])",
            Self::Integer(_) => "Integer([redacted])",
            Self::Boolean(_) => "Boolean([redacted])",
        })
    }
}

/// Serializes a value for [`Parameters`](super::Parameters). [`FieldValue`] itself has no `Serialize`, which could leak
/// it.
pub(super) struct Serialized<'a>(pub(super) &'a FieldValue);

impl Serialize for Serialized<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            FieldValue::Text(text) => serializer.serialize_str(text.expose_secret()),
            FieldValue::Integer(integer) => serializer.serialize_i64(*integer),
            FieldValue::Boolean(boolean) => serializer.serialize_bool(*boolean),
        }
    }
}

macro_rules! from {
    ($($variant:ident from $($source:ty),+;)+) => {$($(
        impl From<$source> for FieldValue {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        }
    )+)+};
}

from! {
    Text from Secret, String, &str;
    Integer from i64, i32, i16, i8, u32, u16, u8;
    Boolean from bool;
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(FieldValue: Send, Sync, Clone, From<Secret>, From<i64>, From<bool>);
    assert_not_impl_any!(FieldValue: From<f64>, From<u64>, From<()>, Serialize, fmt::Display);

    #[test]
    fn debug_shows_only_the_type() {
        let values = [FieldValue::from("605b32dd"), FieldValue::from(60532), FieldValue::from(true)];
        assert_eq!(format!("{values:?}"), "[Text([redacted]), Integer([redacted]), Boolean([redacted])]");
    }
}
