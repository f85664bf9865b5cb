use std::borrow::Cow;

use super::{Reader, Value, twice};
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
/// members, more than 1,024 members are ignored (a name with escapes counts as one more), or an ignored member is nested
/// deeper than 128 levels.
pub fn object<'a>(text: &'a str, name: &'static str) -> Result<Option<Object<'a>>, Rejection> {
    let mut members = Vec::new();
    let found = for_each_member(text, name, |key, value| members.push((key, value)))?;
    Ok(found.then_some(members))
}

/// Calls `member` for each member that [`object`] would return, in their order, and returns whether there is an object.
///
/// Nothing is collected. The rest of `text` may still be refused after a call: use what `member` got only if the result
/// is `Ok`.
///
/// ```
/// use tower_verify::wire::json::{self, Value};
///
/// let mut pin = None;
/// let found = json::for_each_member(r#"{"auth": {"user": "john", "pin": 605}}"#, "auth", |key, value| {
///     if let ("pin", Value::Integer(integer)) = (&*key, value) {
///         pin = Some(integer);
///     }
/// })?;
/// assert!(found && pin == Some(605));
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// Those of [`object`].
pub fn for_each_member<'a>(
    text: &'a str,
    name: &'static str,
    mut member: impl FnMut(Cow<'a, str>, Value<'a>),
) -> Result<bool, Rejection> {
    let mut reader = Reader::open(text, &[name], Some(name))?;
    let mut found = false;
    while let Some(index) = reader.key_among(&[name], 0)? {
        if index.is_none() {
            reader.ignore()?;
            continue;
        }
        if std::mem::replace(&mut found, true) {
            return Err(twice(name));
        }
        reader.value_as_object()?;
        let mut members = 0;
        while let Some(key) = reader.key()? {
            let value = reader.value()?;
            if members == MEMBERS_LIMIT {
                return Err(Rejection::malformed(format!("`{name}` has too many fields")));
            }
            members += 1;
            member(key, value);
        }
    }
    reader.end()?;
    Ok(found)
}
