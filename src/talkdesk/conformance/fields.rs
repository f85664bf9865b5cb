//! The fields of `auth`, good and bad.

use std::mem;

use crate::{conformance::Suite, talkdesk::FieldValue};

/// The fields of `auth`. The last one is the secret that is tried in wrong forms.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<Field>);

#[derive(Debug, Clone)]
struct Field {
    /// The name in JSON.
    name: String,
    /// The template of the value in JSON.
    value: String,
    has_letters: bool,
}

/// Members of `auth`, or a body: the row of the contract that speaks of it, its name, and its text.
pub(super) type Case = (&'static str, &'static str, String);

impl Fields {
    /// Adds a field, which becomes the secret, and gives the suite its value.
    pub(super) fn push(&mut self, suite: Suite, name: &str, value: &FieldValue) -> Suite {
        self.0.push(Field::new(name, &key(name), value));
        suite.secret_with_near_misses(&key(name), &text(value))
    }

    /// Adds a field before the secret, and gives the suite its value.
    pub(super) fn insert(&mut self, suite: Suite, name: &str, value: &FieldValue) -> Suite {
        let suite = self.push(suite, name, value);
        let before_secret = self.0.len().saturating_sub(2);
        self.0[before_secret..].reverse();
        suite
    }

    /// Adds a field for which the verifier fails, and gives the suite its value.
    pub(super) fn push_failing(&mut self, suite: Suite, name: &str, value: &FieldValue) -> Suite {
        let key = format!("{}.failing", key(name));
        self.0.push(Field::new(name, &key, value));
        suite.secret(&key, text(value)).value("failing", "given")
    }

    /// These fields, with those of `others` in the places of the same names.
    pub(super) fn replaced_by(&self, others: &Self) -> Self {
        let other = |field: &Field| others.0.iter().find(|other| other.name == field.name).unwrap_or(field).clone();
        Self(self.0.iter().map(other).collect())
    }

    /// The members of `auth`.
    pub(super) fn members(&self) -> String {
        self.changed(|_| {})
    }

    pub(super) fn reversed(&self) -> String {
        self.changed(<[Field]>::reverse)
    }

    /// The members, with each character of their texts escaped.
    pub(super) fn escaped(&self) -> String {
        self.changed(|fields| {
            for field in fields.iter_mut().filter(|field| field.is_text()) {
                field.value = field.with("|all");
            }
        })
    }

    /// The members, with this JSON in place of the secret.
    pub(super) fn secret_is(&self, json: &str) -> String {
        self.changed(|fields| {
            if let Some(secret) = fields.last_mut() {
                secret.value = json.to_owned();
            }
        })
    }

    /// The members, with the first value and the secret exchanged. `None` if there is one field alone.
    pub(super) fn exchanged(&self) -> Option<String> {
        (self.0.len() > 1).then(|| {
            self.changed(|fields| {
                if let [first, .., secret] = fields {
                    mem::swap(&mut first.value, &mut secret.value);
                }
            })
        })
    }

    /// Members with a wrong secret.
    pub(super) fn wrong(&self) -> Vec<Case> {
        let Some(secret) = self.0.last() else { return Vec::new() };
        let mut wrong = vec![
            ("TD-11", "a secret without its last character", self.secret_is(&secret.with(".shorter"))),
            ("TD-2", "the secret is an integer", self.secret_is("7")),
        ];
        if secret.has_letters {
            wrong.push(("TD-11", "a secret in another case", self.secret_is(&secret.with(".swapped"))));
        }
        if secret.is_text() {
            let spaced = secret.value.replace("}\"", "} \"");
            wrong.push(("TD-11", "a secret with a space after it", self.secret_is(&spaced)));
        }
        let renamed = [secret.name.to_uppercase(), secret.name.to_lowercase()];
        if let Some(renamed) = renamed.into_iter().find(|renamed| *renamed != secret.name) {
            let members = self.changed(|fields| {
                if let Some(secret) = fields.last_mut() {
                    secret.name = renamed;
                }
            });
            wrong.push(("TD-1", "the secret's name in another case", members));
        }
        wrong
    }

    /// Bodies whose `auth` is not one object of fields that are given once. `rest` is what is beside `auth`, with a comma
    /// in front.
    pub(super) fn malformed(&self, rest: &str) -> Vec<Case> {
        let Some(Field { name, value, .. }) = self.0.last() else { return Vec::new() };
        let good = self.members();
        let auth = format!("\"auth\":{{{good}}}");
        let object = |row, case, fields: String| (row, case, format!(r#"{{"auth":{{{fields}}}{rest}}}"#));
        let other = |row, case, auth| (row, case, format!(r#"{{"auth":{auth}{rest}}}"#));
        let twice = |row, case, second: &str| (row, case, format!(r#"{{"auth":{{{good}}}{rest},{second}}}"#));
        vec![
            object("TD-3", "the secret is a fraction", self.secret_is("1.5")),
            object("TD-3", "the secret is null", self.secret_is("null")),
            object("TD-3", "the secret is an array", self.secret_is(&format!("[{value}]"))),
            object("TD-3", "the secret is an object", self.secret_is(&format!("{{\"$ne\":{value}}}"))),
            object(
                "TD-3",
                "another field is an integer of more than 64 bits",
                format!("{good},\"x\":9223372036854775808"),
            ),
            object("TD-4", "the secret is given twice", format!("{good},{name}:{value}")),
            object("TD-4", "the secret is given twice, first a wrong one", format!("{name}:\"wrong\",{good}")),
            object("TD-4", "another field is given twice", format!("{good},\"x\":\"1\",\"\\u0078\":\"1\"")),
            twice("TD-4", "`auth` is given twice", &auth),
            twice("TD-4", "`auth` is given twice, then an empty one", "\"auth\":{}"),
            (
                "TD-4",
                "`auth` is given twice, first a wrong one",
                format!(r#"{{"auth":{{{name}:"wrong"}},{}{rest}}}"#, auth),
            ),
            twice("TD-4", "`auth` is given twice, one name with an escape", "\"aut\\u0068\":{}"),
            other("TD-5", "`auth` is null", "null"),
            other("TD-5", "`auth` is a string", "\"\""),
            other("TD-5", "`auth` is an array", "[]"),
            other("TD-5", "`auth` is a number", "7"),
            other("TD-5", "`auth` is true", "true"),
            ("TD-5", "`auth` is missing", format!("{{{good}{rest}}}")),
            ("TD-5", "`Auth` in place of `auth`", format!(r#"{{"Auth":{{{good}}}{rest}}}"#)),
        ]
    }

    fn changed(&self, change: impl FnOnce(&mut [Field])) -> String {
        let mut fields = self.0.clone();
        change(&mut fields);
        let members: Vec<_> = fields.iter().map(|field| format!("{}:{}", field.name, field.value)).collect();
        members.join(",")
    }
}

impl Field {
    fn new(name: &str, key: &str, value: &FieldValue) -> Self {
        let template = format!("${{{key}}}");
        Self {
            name: serde_json::Value::from(name).to_string(),
            value: if matches!(value, FieldValue::Text(_)) { format!("\"{template}\"") } else { template },
            has_letters: text(value).bytes().any(|byte| byte.is_ascii_alphabetic()),
        }
    }

    fn is_text(&self) -> bool {
        self.value.starts_with('"')
    }

    /// The template of a near miss of the value, or with a filter.
    fn with(&self, kind: &str) -> String {
        self.value.replace('}', &format!("{kind}}}"))
    }
}

/// The name of a field's value. It has no character with a meaning in a template.
fn key(name: &str) -> String {
    name.replace(['|', '}'], "_")
}

fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.expose_secret().to_owned(),
        FieldValue::Integer(integer) => integer.to_string(),
        FieldValue::Boolean(boolean) => boolean.to_string(),
    }
}
