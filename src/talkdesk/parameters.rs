use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};

use super::{FieldValue, field::Serialized};

/// The authorization parameters that a grant returns.
///
/// Talkdesk stores them and sends them back, same name and value, inside `auth` of all later calls. They are a flat
/// list of strings, integers and booleans, as the contract requires, and are sent in the order in which they were
/// added. `Debug` shows the names and the types, never a value.
///
/// ```
/// use tower_verify::{
///     Outcome,
///     talkdesk::{AuthVerdict, Parameters, Validator},
/// };
///
/// let parameters = Parameters::new().with("login_id", 12).with("token", "123456789");
/// assert_eq!(format!("{parameters:?}"), r#"Parameters {"login_id": Integer([redacted]), "token": Text([redacted])}"#);
///
/// let response = Outcome::Verdict(AuthVerdict::Granted(parameters)).respond(&Validator::new(), ());
/// assert_eq!(response.body(), r#"{"login_id":12,"token":"123456789"}"#);
/// ```
#[derive(Clone, Default)]
pub struct Parameters {
    fields: Vec<(Cow<'static, str>, FieldValue)>,
}

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter. A parameter of the same name is replaced and keeps its place.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<FieldValue>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.fields.iter_mut().find(|(other, _)| *other == name) {
            Some(field) => field.1 = value,
            None => {
                // A list that grows from nothing takes a longer way.
                if self.fields.is_empty() {
                    self.fields = Vec::with_capacity(4);
                }
                self.fields.push((name, value));
            }
        }
        self
    }

    /// The value of the parameter `name`, for example in a test of a verifier.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The number of parameters.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The body of the response, in JSON.
    pub(super) fn serialized(&self) -> impl Serialize {
        SerializedParameters(&self.fields)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameters ")?;
        f.debug_map().entries(self.fields.iter().map(|(name, value)| (name, value))).finish()
    }
}

struct SerializedParameters<'a>(&'a [(Cow<'static, str>, FieldValue)]);

impl Serialize for SerializedParameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Serialized(value))))
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(Parameters: Send, Sync, Clone);
    assert_not_impl_any!(Parameters: Serialize, fmt::Display);

    fn json(parameters: &Parameters) -> String {
        serde_json::to_string(&parameters.serialized()).unwrap()
    }

    #[test]
    fn order_and_types_are_kept() {
        let parameters = Parameters::new()
            .with("z", "\"\\\n\u{e9}")
            .with("a", i64::MIN)
            .with(String::from("on"), true)
            .with("", u32::MAX);
        assert_eq!(json(&parameters), r#"{"z":"\"\\\né","a":-9223372036854775808,"on":true,"":4294967295}"#);
        assert_eq!(json(&Parameters::new()), "{}");
    }

    #[test]
    fn a_name_is_sent_once() {
        let parameters = Parameters::new().with("token", "old").with("login_id", 12).with("token", false);
        assert_eq!((json(&parameters).as_str(), parameters.len()), (r#"{"token":false,"login_id":12}"#, 2));
        assert!(matches!(parameters.get("login_id"), Some(FieldValue::Integer(12))));
        assert!(
            matches!(parameters.get("token"), Some(FieldValue::Boolean(false))) && parameters.get("Token").is_none()
        );
    }

    #[test]
    fn debug_shows_no_value() {
        let parameters = Parameters::new().with("token", "605b32dd").with("pin", 60532).with("on", true);
        let debug = format!("{parameters:?}");
        assert!(!debug.contains("605") && !debug.contains("true") && debug.contains("\"pin\""), "{debug}");
    }
}
