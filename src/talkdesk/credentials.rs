use std::{borrow::Cow, collections::HashSet, fmt, ops::Range};

use bytestring::ByteString;

use super::{AuthVerdict, FieldValue, decode::wrong_field};
use crate::{
    Credential, Rejection, Secret,
    wire::json::{self, Value},
};

/// The fields of `auth`, by name: those configured for the integration, and later those that the validator returned.
///
/// Each name is given once and is case-sensitive. There are at most 4,096 fields. Long texts are slices of the
/// request's body. `Debug` shows the names and the types, never a value.
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
    /// Each name once, in the order in which they were given.
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    /// The hash of the name, which tells nearly all names apart without a look at them.
    hash: u64,
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
            Some(position) => self.fields[position].value = value,
            None => self.fields.push(Field { hash: hash(&name), name: Name::Owned(name), value }),
        }
        self
    }

    /// The value of the field `name`.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.position(name).map(|position| &self.fields[position].value)
    }

    /// The text of the field `name`, if it is a string.
    #[inline]
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
        let mut fields: Vec<_> = self.fields.iter().map(|field| (field.name(&self.source), &field.value)).collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        fields.into_iter()
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
            fields.push(Field { hash: hash(&name), name: Name::new(&source, name), value });
        })?;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        match twice(&fields, &source) {
            Some(name) => Err(wrong_field(name, "is given more than once")),
            None => Ok(found.then_some(Self { source, fields })),
        }
    }

    #[inline]
    fn position(&self, name: &str) -> Option<usize> {
        let hash = hash(name);
        self.fields.iter().position(|field| field.hash == hash && field.name(&self.source) == name)
    }
}

/// A name that is given twice.
fn twice<'a>(fields: &'a [Field], source: &'a ByteString) -> Option<&'a str> {
    const FEW: usize = 64;

    if fields.len() > FEW {
        // Its hash is keyed, so that no caller can make it slow.
        let mut names = HashSet::with_capacity(fields.len());
        return fields.iter().map(|field| field.name(source)).find(|name| !names.insert(*name));
    }
    let mut hashes = 0_u64;
    let given_before = |(index, field): &(usize, &Field)| {
        let bit = 1 << (field.hash >> 58);
        let maybe = hashes & bit != 0;
        hashes |= bit;
        let same = |other: &Field| other.hash == field.hash && other.name(source) == field.name(source);
        maybe && fields[..*index].iter().any(same)
    };
    fields.iter().enumerate().find(given_before).map(|(_, field)| field.name(source))
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

/// The hash of a name, from its first and last eight bytes.
#[inline]
fn hash(name: &str) -> u64 {
    let name = name.as_bytes();
    let short = || name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let first = name.first_chunk().map_or_else(short, |first| u64::from_le_bytes(*first));
    let last = name.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
    // The upper bits depend on all others after a multiplication, and the lower ones do not.
    let spread = |word: u64| word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread(spread(first).rotate_left(32) ^ last ^ name.len() as u64)
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

    #[test]
    fn names_with_the_same_hash_are_different_fields() {
        let (one, other) = ("passwordApassword", "passwordBpassword");
        assert_eq!(hash(one), hash(other));
        let credentials = Credentials::new().with(other, "wrong").with(one, "605b32dd");
        assert_eq!(credentials.text(one), Some(&Secret::from("605b32dd")));

        let body = format!(r#"{{"auth":{{"{one}":"605b32dd","{other}":"wrong"}}}}"#);
        let read = Credentials::read(ByteString::from(body)).unwrap().unwrap();
        assert_eq!(read.text(other), Some(&Secret::from("wrong")));
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn credentials_without_a_field_are_empty() {
        assert!(Credentials::new().is_empty());
        assert!(!Credentials::new().with("login_id", 12).is_empty());
    }

    proptest! {
        #[test]
        fn names_are_sorted_and_found(names in prop::collection::btree_set("(password)?[a\\x00\"é]{0,3}", 0..80)) {
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
