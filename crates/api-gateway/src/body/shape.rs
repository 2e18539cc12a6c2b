//! The shape of a document: its generated schema, compiled, and its faults by JSON pointer.

use ig_core::fault::Faults;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Shape(Validator);

impl Shape {
    /// Compiles the schema of a document.
    ///
    /// # Panics
    /// When the generated schema is invalid, which a test over every document rules out.
    pub(crate) fn of<T: ToSchema>() -> Self {
        let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
        T::schemas(&mut parts);
        parts.push((T::name().into_owned(), T::schema()));
        let parts: Map<_, _> = parts.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
        let mut whole = json!({"$ref": format!("#/components/schemas/{}", T::name()), "components": {"schemas": parts}});
        bound(&mut whole);
        Self(jsonschema::draft202012::new(&whole).expect("a derived schema is a schema"))
    }

    /// Reports the faults of a value, up to the limit.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for error in self.0.iter_errors(value) {
            note(&error, &mut faults);
            if faults.is_full() {
                break;
            }
        }
        faults.into_result(())
    }
}

/// Adds the numeric bounds that an integer format implies: validators treat a format as an annotation.
fn bound(schema: &mut Value) {
    let largest = match schema.get("format").and_then(Value::as_str) {
        Some("int64") => Some(i64::MAX),
        Some("int32") => Some(i64::from(i32::MAX)),
        _ => None,
    };
    match schema {
        Value::Object(object) => {
            if let Some(largest) = largest {
                object.entry("maximum").or_insert_with(|| largest.into());
            }
            object.values_mut().for_each(bound);
        }
        Value::Array(list) => list.iter_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn note(error: &ValidationError<'_>, faults: &mut Faults) {
    let place = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => match meant(&place, context) {
            Some(errors) => errors.iter().for_each(|error| note(error, faults)),
            None => faults.add(place, "has none of the forms that are allowed here"),
        },
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for key in unexpected {
                if faults.is_full() {
                    return;
                }
                faults.add(format!("{place}/{}", escaped(key)), "is not a known field");
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            faults.add(format!("{place}/{}", escaped(key)), "is required");
        }
        // The message omits the value: it may be a secret, or megabytes long.
        _ => faults.add(place, error.masked_with("the value").to_string()),
    }
}

/// The intended branch: the one whose type matches and whose faults lie deeper.
fn meant<'a>(place: &str, branches: &'a [Vec<ValidationError<'static>>]) -> Option<&'a Vec<ValidationError<'static>>> {
    branches
        .iter()
        .find(|errors| !errors.iter().any(|error| is_of_other_type(place, error)))
}

fn is_of_other_type(place: &str, error: &ValidationError<'_>) -> bool {
    let here = error.instance_path().to_string() == place;
    here && matches!(
        error.kind(),
        ValidationErrorKind::Type {
            kind: TypeKind::Single(_) | TypeKind::Multiple(_)
        }
    )
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
