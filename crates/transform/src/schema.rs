//! Validates payloads against the JSON Schema of their event type.
//!
//! Tenants write the schemas. Their size is bounded before they are compiled: no reference leaves the schema or leads back to itself, and
//! the unfolded schema has a limited number of parts. The cost of compiling one and of validating a payload cannot be known beforehand, so
//! a script worker does both and is killed when it takes too long.

mod cost;
mod report;
mod validator;

pub(crate) use report::ValidationReport;
pub use validator::{PayloadSchemas, Verdict};

use ig_core::fault::Faults;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// The largest schema, in bytes of JSON.
pub const LARGEST_SCHEMA: usize = 64 * 1024;
/// The most memory that a compiled pattern may take, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// A compiled schema.
#[derive(Debug)]
pub struct PayloadSchema(Validator);

impl PayloadSchema {
    /// Refuses a schema that is too large or cannot be bounded, without compiling it.
    pub fn check_bounds(schema: &Value) -> Result<(), Faults> {
        if schema.to_string().len() > LARGEST_SCHEMA {
            return Err(Faults::single("", format!("must be at most {LARGEST_SCHEMA} bytes of JSON")));
        }
        cost::check(schema)
    }

    /// Compiles a schema; the faults point into it.
    pub(crate) fn compile(schema: &Value) -> Result<Self, Faults> {
        Self::check_bounds(schema)?;
        let patterns = PatternOptions::regex()
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES);
        let compiled = jsonschema::options().with_pattern_options(patterns).offline().build(schema);
        compiled.map(Self).map_err(|error| {
            let pointer = error.instance_path().to_string();
            Faults::single(
                pointer,
                format!("is no valid JSON Schema: {}", error.masked_with("the value")),
            )
        })
    }

    /// Validates a payload, up to the limit on faults.
    pub(crate) fn check(&self, payload: &Value) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for error in self.0.iter_errors(payload) {
            add_fault(&error, &mut faults);
            if faults.is_full() {
                break;
            }
        }
        faults.into_result(())
    }
}

fn add_fault(error: &ValidationError<'_>, faults: &mut Faults) {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                if faults.is_full() {
                    return;
                }
                faults.add(format!("{pointer}/{}", escape(key)), "is not a field that the schema knows");
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            faults.add(format!("{pointer}/{}", escape(key)), "is required");
        }
        // The payload's value is left out: it may be about a patient.
        _ => faults.add(pointer, error.masked_with("the value").to_string()),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(result: Result<(), Faults>) -> Vec<String> {
        let faults = result.err().unwrap_or_default();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn schema_faults_have_pointers_and_quote_no_values() {
        let schema = json!({
            "type": "object",
            "required": ["id", "a/b"],
            "additionalProperties": false,
            "properties": {"id": {"type": "integer"}, "name": {"pattern": "^[A-Z]+$"}, "lines": {"items": {"$ref": "#/$defs/n"}}},
            "$defs": {"n": {"minimum": 1}},
        });
        let schema = PayloadSchema::compile(&schema).unwrap();
        let payload = json!({"id": "secret", "name": "secret", "lines": [1, 0], "more": 1});
        let faults = schema.check(&payload).unwrap_err();
        assert!(!faults.to_string().contains("secret"), "{faults}");
        let mut found = pointers(Err(faults));
        found.sort();
        assert_eq!(found, ["/a~1b", "/id", "/lines/1", "/more", "/name"]);
        assert_eq!(
            schema.check(&json!({"id": 1, "a/b": 2})).err(),
            Some(Faults::single("/a~1b", "is not a field that the schema knows"))
        );
    }

    #[test]
    fn schemas_that_are_invalid_or_may_cost_too_much_are_refused() {
        let deep = |n: usize| {
            let mut defs = serde_json::Map::new();
            defs.insert("d0".to_owned(), json!({"type": "object"}));
            for level in 1..=n {
                let below = json!({"$ref": format!("#/$defs/d{}", level - 1)});
                defs.insert(format!("d{level}"), json!({"allOf": [below, below]}));
            }
            json!({"$defs": defs, "$ref": format!("#/$defs/d{n}")})
        };
        let nested = |levels: usize| (0..levels).fold(json!({}), |below, _| json!({"items": below}));
        // Each definition nests within the limit; unfolded, all of them together exceed it.
        let chained = || {
            let definition =
                |level: usize| (0..100).fold(json!({"$ref": format!("#/$defs/d{level}")}), |below, _| json!([below]));
            let definitions = (0..200).map(|level| (format!("d{level}"), json!({"x": definition(level + 1)})));
            json!({"$defs": definitions.chain([("d200".to_owned(), json!({}))]).collect::<serde_json::Map<_, _>>()})
        };
        assert!(PayloadSchema::compile(&deep(5)).is_ok());
        assert!(PayloadSchema::compile(&nested(50)).is_ok());
        for schema in [
            json!(1),
            json!({"type": "strng"}),
            json!({"pattern": "("}),
            json!({"pattern": "(?!a)b"}),
            json!({"pattern": "(x{1000}){1000}"}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "other.json"}),
            json!({"$ref": "#/nowhere"}),
            json!({"$ref": "#"}),
            json!({"properties": {"a": {"$ref": "#"}}}),
            json!({"allOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}),
            json!({"properties": {"default": {"$ref": "#"}}}),
            json!({"enum": [{"$ref": "#"}], "not": {"$ref": "#/enum/0"}}),
            json!({"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"items": {"$ref": "#/$defs/a"}}}}),
            json!({"$dynamicRef": "#a"}),
            json!({"$id": "https://example.com/x", "type": "object"}),
            json!({"$schema": "https://example.com/meta"}),
            json!({"description": "x".repeat(70_000)}),
            deep(40),
            nested(300),
            chained(),
        ] {
            assert!(PayloadSchema::compile(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn schema_patterns_do_not_backtrack() {
        let schema = PayloadSchema::compile(&json!({"pattern": "^(a+)+$"})).unwrap();
        let payload = json!(format!("{}b", "a".repeat(100_000)));
        assert_eq!(pointers(schema.check(&payload)), [""]);
    }
}
