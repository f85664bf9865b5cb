use std::{borrow::Cow, fmt};

use bytestring::ByteString;

use super::{AuthVerdict, FieldValue, decode::wrong_field};
use crate::{Credential, Rejection, Secret, wire::json::Value};

/// The fields of `auth`, by name: those configured for the integration, and later those that the validator returned.
///
/// Each name is given once and is case-sensitive. There are at most 4,096 fields. Texts are slices of the request's
/// body. `Debug` shows the names and the types, never a value.
///
/// ```
/// use tower_verify::talkdesk::Credentials;
///
/// let credentials = Credentials::new().with("username", "john@example.com").with("login_id", 12);
/// assert!(credentials.text("username").is_some_and(|username| *username == "john@example.com"));
/// assert_eq!(credentials.integer("login_id"), Some(12));
/// assert!(credentials.text("login_id").is_none()); // it is an integer
/// ```
#[derive(Clone, Default)]
pub struct Credentials {
    /// Sorted by name, each name once.
    fields: Vec<(ByteString, FieldValue)>,
}

impl Credentials {
    /// No fields. A test of a verifier adds its own with [`with`](Self::with).
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. A field of the same name is replaced.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<FieldValue>) -> Self {
        let (name, value) = (ByteString::from(name.into()), value.into());
        match self.position(&name) {
            Ok(position) => self.fields[position].1 = value,
            Err(position) => self.fields.insert(position, (name, value)),
        }
        self
    }

    /// The value of the field `name`.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.position(name).ok().map(|position| &self.fields[position].1)
    }

    /// The text of the field `name`, if it is a string.
    pub fn text(&self, name: &str) -> Option<&Secret> {
        match self.get(name)? {
            FieldValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of the field `name`, if it is an integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            FieldValue::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// The value of the field `name`, if it is a boolean.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            FieldValue::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    /// All fields, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &FieldValue)> {
        self.fields.iter().map(|(name, value)| (&**name, value))
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Makes the fields of the members of `auth`, decoded from `source`.
    pub(super) fn from_members<'a>(
        source: &ByteString,
        members: Vec<(Cow<'a, str>, Value<'a>)>,
    ) -> Result<Self, Rejection> {
        let field = |(name, value): (Cow<'a, str>, Value<'a>)| {
            let value = match value {
                Value::Text(text) => FieldValue::Text(Secret::slice_of(source, text)),
                Value::Integer(integer) => FieldValue::Integer(integer),
                Value::Boolean(boolean) => FieldValue::Boolean(boolean),
                Value::Null | Value::Other => {
                    return Err(wrong_field(&name, "must be a string, an integer or a boolean"));
                }
            };
            let name = match name {
                Cow::Borrowed(name) => source.slice_ref(name),
                Cow::Owned(name) => name.into(),
            };
            Ok((name, value))
        };
        let mut fields = members.into_iter().map(field).collect::<Result<Vec<_>, _>>()?;
        fields.sort_unstable_by(|(name, _), (other, _)| name.cmp(other));
        match fields.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(Self { fields }),
            Some(pair) => Err(wrong_field(&pair[0].0, "is given more than once")),
        }
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.fields.binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

impl Credential for Credentials {
    type Verdict = AuthVerdict;
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials ")?;
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::assert_impl_all;

    use super::*;

    assert_impl_all!(Credentials: Send, Sync, Clone);

    #[test]
    fn a_field_is_found_by_its_name_and_type() {
        let credentials =
            Credentials::new().with("token", "123456789").with("login_id", 12).with("Token", "other").with("on", false);
        assert_eq!(credentials.text("token"), Some(&Secret::from("123456789")));
        assert_eq!(credentials.text("Token"), Some(&Secret::from("other")));
        assert_eq!((credentials.integer("login_id"), credentials.boolean("on")), (Some(12), Some(false)));
        assert!(credentials.get("TOKEN").is_none() && credentials.text("login_id").is_none());
        assert!(credentials.integer("token").is_none() && credentials.boolean("token").is_none());
        assert_eq!(credentials.len(), 4);
        assert_eq!(credentials.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["Token", "login_id", "on", "token"]);
    }

    #[test]
    fn a_field_of_the_same_name_is_replaced() {
        let credentials = Credentials::new().with("pin", "605b32dd").with("pin", 7);
        assert_eq!((credentials.len(), credentials.integer("pin")), (1, Some(7)));
    }

    #[test]
    fn debug_shows_names_and_no_value() {
        let credentials = Credentials::new().with("password", "605b32dd").with("pin", 60532);
        assert_eq!(
            format!("{credentials:?}"),
            r#"Credentials {"password": Text([redacted]), "pin": Integer([redacted])}"#
        );
    }
}
