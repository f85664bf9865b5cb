//! The body of a described request.

use bytes::Bytes;
use serde_json::Value;

use super::description::Without;
use crate::wire::percent;

/// The body of a good request: its schema, and a sample.
#[derive(Debug)]
pub(super) struct SampleBody {
    pub(super) is_form: bool,
    pub(super) schema: Value,
    pub(super) sample: Value,
}

impl SampleBody {
    pub(super) fn media_type(&self) -> &'static str {
        if self.is_form { "application/x-www-form-urlencoded" } else { "application/json" }
    }

    /// The sample as it is sent, apart from the member that it lacks. `None` if it cannot be sent: a form has neither
    /// arrays nor objects.
    pub(super) fn encoded(&self, without: Without<'_>) -> Option<Bytes> {
        let mut sample = self.sample.clone();
        if let (Without::Member(name), Some(members)) = (without, sample.as_object_mut()) {
            members.remove(name);
        }
        if !self.is_form {
            return Some(sample.to_string().into());
        }
        let pairs: Option<Vec<String>> = sample.as_object()?.iter().map(|(name, value)| pair(name, value)).collect();
        Some(pairs?.join("&").into())
    }
}

fn pair(name: &str, value: &Value) -> Option<String> {
    let escaped = |text: &str| percent::encode(text, percent::is_unreserved);
    let value = match value {
        Value::String(text) => escaped(text),
        Value::Number(_) | Value::Bool(_) => escaped(&value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(format!("{}={value}", escaped(name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire;

    fn form(sample: Value) -> SampleBody {
        SampleBody { is_form: true, schema: json!({}), sample }
    }

    #[test]
    fn a_form_is_read_as_it_was_described() {
        let form = form(json!({"user": "a b&c=%+é", "no": 7, "on": true}));
        let read = |without| {
            let text = wire::text(form.encoded(without).unwrap()).unwrap();
            let [user, no, on] = wire::query::parameters(&text, &["user", "no", "on"]).unwrap();
            [user, no, on].map(|value| value.map(std::borrow::Cow::into_owned))
        };
        let given = |text: &str| Some(text.to_owned());
        assert_eq!(read(Without::Nothing), [given("a b&c=%+é"), given("7"), given("true")]);
        assert_eq!(read(Without::Member("user")), [None, given("7"), given("true")]);
    }

    #[test]
    fn a_form_has_no_arrays_and_no_objects() {
        for sample in [json!({"a": []}), json!({"a": {}}), json!({"a": null}), json!([]), json!("a=b")] {
            assert_eq!(form(sample.clone()).encoded(Without::Nothing), None, "{sample}");
        }
    }
}
