//! Payloads held against the JSON Schema of their event type.
//!
//! Tenants write the schemas. What one is, is bounded before it is compiled: no reference leaves the schema, none leads back to where it
//! came from, and all of it unfolded is no larger than a limit. What it costs to compile it, and to hold a payload against it, is not to
//! be known beforehand: both are done by a script worker, which is ended when it takes too long.

mod cost;
mod finding;
mod judge;

pub(crate) use finding::Finding;
pub use judge::{PayloadSchemas, Verdict};

use ig_core::fault::Faults;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// The most bytes that a schema has as JSON.
pub const LARGEST_SCHEMA: usize = 64 * 1024;
/// The most bytes that a compiled pattern takes.
const LARGEST_PATTERN: usize = 1024 * 1024;

/// A compiled schema.
#[derive(Debug)]
pub struct PayloadSchema(Validator);

impl PayloadSchema {
    /// Refuses what is too large or cannot be bounded, and compiles nothing.
    pub fn check_bounds(schema: &Value) -> Result<(), Faults> {
        if schema.to_string().len() > LARGEST_SCHEMA {
            return Err(Faults::one("", format!("must be at most {LARGEST_SCHEMA} bytes of JSON")));
        }
        cost::check(schema)
    }

    /// Compiles a schema, or says what is wrong with it and where.
    pub(crate) fn compile(schema: &Value) -> Result<Self, Faults> {
        Self::check_bounds(schema)?;
        let patterns = PatternOptions::regex()
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN);
        let compiled = jsonschema::options().with_pattern_options(patterns).offline().build(schema);
        compiled.map(Self).map_err(|error| {
            let place = error.instance_path().to_string();
            Faults::one(place, format!("is no valid JSON Schema: {}", error.masked_with("the value")))
        })
    }

    /// Everything that is wrong with a payload, as many faults as are told.
    pub(crate) fn check(&self, payload: &Value) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for error in self.0.iter_errors(payload) {
            note(&error, &mut faults);
            if faults.is_full() {
                break;
            }
        }
        faults.into_result(())
    }
}

fn note(error: &ValidationError<'_>, faults: &mut Faults) {
    let place = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                if faults.is_full() {
                    return;
                }
                faults.add(format!("{place}/{}", escaped(key)), "is not a field that the schema knows");
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            faults.add(format!("{place}/{}", escaped(key)), "is required");
        }
        // The payload's value is not repeated: it may be about a patient.
        _ => faults.add(place, error.masked_with("the value").to_string()),
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(result: Result<(), Faults>) -> Vec<String> {
        let faults = result.err().unwrap_or_default();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn every_fault_is_told_by_its_place_and_without_its_value() {
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
        let mut told = places(Err(faults));
        told.sort();
        assert_eq!(told, ["/a~1b", "/id", "/lines/1", "/more", "/name"]);
        assert_eq!(
            schema.check(&json!({"id": 1, "a/b": 2})).err(),
            Some(Faults::one("/a~1b", "is not a field that the schema knows"))
        );
    }

    #[test]
    fn what_is_no_schema_or_might_cost_too_much_is_refused() {
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
        // Each reference leads to one below so many lists: what one definition may hold, all of them together may not.
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
    fn a_pattern_that_backtracks_elsewhere_takes_no_time() {
        let schema = PayloadSchema::compile(&json!({"pattern": "^(a+)+$"})).unwrap();
        let payload = json!(format!("{}b", "a".repeat(100_000)));
        assert_eq!(places(schema.check(&payload)), [""]);
    }
}
