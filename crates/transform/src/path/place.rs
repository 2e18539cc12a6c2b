//! Making room in the output.

use serde_json::{Map, Value};

use super::Segment;
use crate::error::Problem;

/// The place that a run of steps leads to; what is missing on the way is made, what is there is never replaced.
pub(crate) fn place<'a>(output: &'a mut Value, stage: &[Segment]) -> Result<&'a mut Value, Problem> {
    stage.iter().try_fold(output, step)
}

fn step<'a>(value: &'a mut Value, segment: &Segment) -> Result<&'a mut Value, Problem> {
    if value.is_null() {
        *value = empty_for(Some(segment));
    }
    match (segment, value) {
        (Segment::Index { at, .. }, Value::Array(items)) => Ok(element(items, *at, &Value::Null)),
        (Segment::Key(key) | Segment::Index { text: key, .. }, Value::Object(fields)) => {
            Ok(fields.entry(key.as_str()).or_insert(Value::Null))
        }
        (_, other) => Err(Problem::InTheWay {
            found: kind(other),
            needed: "an object",
        }),
    }
}

/// The element at an index; the array grows by `filler` until it has one.
pub(crate) fn element<'a>(items: &'a mut Vec<Value>, at: usize, filler: &Value) -> &'a mut Value {
    if items.len() <= at {
        items.resize(at + 1, filler.clone());
    }
    &mut items[at]
}

/// What must stand where this segment is the next step; without one, an array follows.
pub(crate) fn empty_for(next: Option<&Segment>) -> Value {
    match next {
        Some(Segment::Key(_)) => Value::Object(Map::new()),
        Some(Segment::Index { .. }) | None => Value::Array(Vec::new()),
    }
}

/// What a value is, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
