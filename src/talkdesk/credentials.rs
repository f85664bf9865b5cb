use std::{borrow::Cow, fmt, ops::Range};

use bytestring::ByteString;

use super::{AuthVerdict, FieldValue, decode::wrong_field};
use crate::{
    Credential, Rejection, Secret,
    wire::json::{self, Value},
};

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
    /// The text that names are slices of.
    source: ByteString,
    /// Sorted by name, each name once.
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    /// The first eight bytes of the name, which order most fields without a look at the whole name.
    start: u64,
    name: Name,
    value: FieldValue,
}

#[derive(Clone)]
enum Name {
    /// A slice of [`Credentials::source`]: a reference count less than a `ByteString`.
    Slice(Range<usize>),
    /// A name that had escapes.
    Owned(String),
}

impl Credentials {
    /// No fields. A test of a verifier adds its own with [`with`](Self::with).
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. A field of the same name is replaced.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<FieldValue>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Ok(position) => self.fields[position].value = value,
            Err(position) => {
                self.fields.insert(position, Field { start: start(&name), name: Name::Owned(name), value });
            }
        }
        self
    }

    /// The value of the field `name`.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.position(name).ok().map(|position| &self.fields[position].value)
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
        self.fields.iter().map(|field| (field.name(&self.source), &field.value))
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Reads the fields of `auth`, a member of the object `source`. Returns `None` if there is no such member.
    pub(super) fn read(source: ByteString) -> Result<Option<Self>, Rejection> {
        // Enough for short fields; a large body has more than fields.
        let mut fields = Vec::with_capacity((source.len() / 16).min(32));
        let mut wrong = None;
        let found = json::for_each_member(&source, "auth", |name, value| {
            let value = match value {
                Value::Text(text) => FieldValue::Text(Secret::slice_of(&source, text)),
                Value::Integer(integer) => FieldValue::Integer(integer),
                Value::Boolean(boolean) => FieldValue::Boolean(boolean),
                Value::Null | Value::Other => {
                    wrong.get_or_insert_with(|| wrong_field(&name, "must be a string, an integer or a boolean"));
                    return;
                }
            };
            fields.push(Field { start: start(&name), name: Name::new(&source, name), value });
        })?;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let order = |field: &Field, other: &Field| {
            field.start.cmp(&other.start).then_with(|| field.name(&source).cmp(other.name(&source)))
        };
        if !fields.is_sorted_by(|field, next| order(field, next).is_lt()) {
            fields.sort_unstable_by(order);
            if let Some(twice) = fields.windows(2).find(|pair| order(&pair[0], &pair[1]).is_eq()) {
                return Err(wrong_field(twice[0].name(&source), "is given more than once"));
            }
        }
        Ok(found.then_some(Self { source, fields }))
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        let start = start(name);
        let order = |field: &Field| field.start.cmp(&start).then_with(|| field.name(&self.source).cmp(name));
        self.fields.binary_search_by(order)
    }
}

impl Field {
    fn name<'a>(&'a self, source: &'a ByteString) -> &'a str {
        match &self.name {
            Name::Slice(range) => &source[range.clone()],
            Name::Owned(name) => name,
        }
    }
}

impl Name {
    fn new(source: &ByteString, name: Cow<'_, str>) -> Self {
        match name {
            Cow::Borrowed(name) => {
                let start = name.as_ptr().addr() - source.as_ptr().addr();
                Self::Slice(start..start + name.len())
            }
            Cow::Owned(name) => Self::Owned(name),
        }
    }
}

/// The first eight bytes of `name`, in an order that is the one of the names as far as it goes.
fn start(name: &str) -> u64 {
    let start = name.as_bytes().first_chunk().copied().unwrap_or_else(|| {
        let mut start = [0; 8];
        start[..name.len()].copy_from_slice(name.as_bytes());
        start
    });
    u64::from_be_bytes(start)
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
    use proptest::prelude::*;
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

    proptest! {
        #[test]
        fn names_are_sorted_and_found(names in prop::collection::btree_set("(password)?[a\\x00\"é]{0,3}", 0..40)) {
            let mut shuffled: Vec<_> = names.iter().enumerate().collect();
            shuffled.sort_by_key(|(number, _)| number * 7919 % 41);
            let member = |(number, name): &(usize, &String)| format!("{}:{number}", serde_json::to_string(name).unwrap());
            let body = format!(r#"{{"auth":{{{}}}}}"#, shuffled.iter().map(member).collect::<Vec<_>>().join(","));
            let read = Credentials::read(body.into()).unwrap().unwrap();
            let built = shuffled.iter().fold(Credentials::new(), |made, (number, name)| made.with(*name, *number as i64));
            for credentials in [read, built] {
                prop_assert!(credentials.iter().map(|(name, _)| name).eq(&names));
                for (number, name) in names.iter().enumerate() {
                    prop_assert_eq!(credentials.integer(name), Some(number as i64));
                }
            }
        }
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
