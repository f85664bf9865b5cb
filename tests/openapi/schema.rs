//! Values against JSON Schemas.

use std::collections::HashMap;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::Value;

/// Compiled schemas, each once.
pub(crate) struct Checker {
    compiled: HashMap<String, SchemaIndex>,
    schemas: Schemas,
}

impl Checker {
    pub(crate) fn new() -> Self {
        Self { compiled: HashMap::new(), schemas: Schemas::new() }
    }

    /// Checks `value` against `schema`, which must be a schema of draft 2020-12.
    pub(crate) fn check(&mut self, schema: &Value, value: &Value) -> Result<(), String> {
        let schemas = &mut self.schemas;
        let name = format!("{}.json", self.compiled.len());
        let index = *self.compiled.entry(schema.to_string()).or_insert_with_key(|text| {
            let mut compiler = Compiler::new();
            compiler.set_default_draft(Draft::V2020_12);
            compiler.add_resource(&name, schema.clone()).expect("a schema has a name");
            compiler.compile(&name, schemas).unwrap_or_else(|error| panic!("{text}: {error}"))
        });
        self.schemas.validate(value, index).map_err(|error| format!("{value} against {schema}: {error}"))
    }
}

#[test]
fn a_wrong_value_is_noticed() {
    let schema = serde_json::json!({"type": "object", "required": ["a"], "properties": {"a": {"const": "1"}}});
    let mut checker = Checker::new();
    let mut check = |text: &str| checker.check(&schema, &serde_json::from_str(text).unwrap());
    assert_eq!(check(r#"{"a":"1","b":2}"#), Ok(()));
    for wrong in [r#"{"a":1}"#, "{}", "[]"] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
