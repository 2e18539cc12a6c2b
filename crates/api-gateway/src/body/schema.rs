//! The shape of a document: its generated schema, compiled, and its faults by JSON pointer.

use ig_core::fault::Faults;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct CompiledSchema(Validator);

impl CompiledSchema {
    /// Compiles the schema of a document.
    ///
    /// # Panics
    /// When the generated schema is invalid, which a test over every document rules out.
    pub(crate) fn compile<T: ToSchema>() -> Self {
        let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
        T::schemas(&mut parts);
        parts.push((T::name().into_owned(), T::schema()));
        let parts: Map<_, _> = parts.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
        let mut whole = json!({"$ref": format!("#/components/schemas/{}", T::name()), "components": {"schemas": parts}});
        add_integer_bounds(&mut whole);
        Self(jsonschema::draft202012::new(&whole).expect("a derived schema is a schema"))
    }

    /// Reports the faults of a value, up to the limit.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for error in self.0.iter_errors(value) {
            collect_faults(&error, &mut faults);
            if faults.is_full() {
                break;
            }
        }
        faults.into_result(())
    }
}

/// Adds the numeric bounds that an integer format implies: validators treat a format as an annotation.
fn add_integer_bounds(schema: &mut Value) {
    let maximum = match schema.get("format").and_then(Value::as_str) {
        Some("int64") => Some(i64::MAX),
        Some("int32") => Some(i64::from(i32::MAX)),
        _ => None,
    };
    match schema {
        Value::Object(object) => {
            if let Some(maximum) = maximum {
                object.entry("maximum").or_insert_with(|| maximum.into());
            }
            object.values_mut().for_each(add_integer_bounds);
        }
        Value::Array(list) => list.iter_mut().for_each(add_integer_bounds),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn collect_faults(error: &ValidationError<'_>, faults: &mut Faults) {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            match intended_branch(&pointer, context) {
                Some(errors) => errors.iter().for_each(|error| collect_faults(error, faults)),
                None => faults.add(pointer, "has none of the forms that are allowed here"),
            }
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for key in unexpected {
                if faults.is_full() {
                    return;
                }
                faults.add(format!("{pointer}/{}", escape_token(key)), "is not a known field");
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            faults.add(format!("{pointer}/{}", escape_token(key)), "is required");
        }
        // The message omits the value: it may be a secret, or megabytes long.
        _ => faults.add(pointer, error.masked_with("the value").to_string()),
    }
}

/// The intended branch: the one whose type matches and whose faults lie deeper.
fn intended_branch<'a>(
    pointer: &str,
    branches: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a Vec<ValidationError<'static>>> {
    branches
        .iter()
        .find(|errors| !errors.iter().any(|error| is_of_other_type(pointer, error)))
}

fn is_of_other_type(pointer: &str, error: &ValidationError<'_>) -> bool {
    let is_here = error.instance_path().to_string() == pointer;
    is_here
        && matches!(
            error.kind(),
            ValidationErrorKind::Type {
                kind: TypeKind::Single(_) | TypeKind::Multiple(_)
            }
        )
}

fn escape_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
