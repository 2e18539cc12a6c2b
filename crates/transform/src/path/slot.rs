//! Slots of an output that rules write to.

use serde_json::{Map, Value};

use super::Segment;
use crate::error::Problem;

/// The slot at the end of a stage; creates missing parents and never replaces existing ones.
pub(crate) fn slot<'a>(output: &'a mut Value, stage: &[Segment]) -> Result<&'a mut Value, Problem> {
    stage.iter().try_fold(output, step)
}

fn step<'a>(value: &'a mut Value, segment: &Segment) -> Result<&'a mut Value, Problem> {
    if value.is_null() {
        *value = empty_for(Some(segment));
    }
    match (segment, value) {
        (Segment::Index { at, .. }, Value::Array(items)) => Ok(element_mut(items, *at, &Value::Null)),
        (Segment::Key(key) | Segment::Index { text: key, .. }, Value::Object(fields)) => {
            Ok(fields.entry(key.as_str()).or_insert(Value::Null))
        }
        (_, other) => Err(Problem::InTheWay {
            found: type_name(other),
            needed: "an object",
        }),
    }
}

/// The element at an index; the array is padded with `filler` up to it.
pub(crate) fn element_mut<'a>(items: &'a mut Vec<Value>, at: usize, filler: &Value) -> &'a mut Value {
    if items.len() <= at {
        items.resize(at + 1, filler.clone());
    }
    &mut items[at]
}

/// The empty value that the next segment needs; an array if there is none.
pub(crate) fn empty_for(next: Option<&Segment>) -> Value {
    match next {
        Some(Segment::Key(_)) => Value::Object(Map::new()),
        Some(Segment::Index { .. }) | None => Value::Array(Vec::new()),
    }
}

/// The type of a value, in words.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
