//! How deep a value nests, and what it takes.

use ig_core::integration::MAX_DEPTH;
use serde_json::Value;

use crate::error::{MAX_OUTPUT, Problem};

/// What a value takes beside its texts, in bytes.
const SLOT: usize = size_of::<Value>();

/// What is left of the memory that one output may take.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Room {
    pub(crate) fn whole() -> Self {
        Self(MAX_OUTPUT)
    }

    /// Takes the room that a value needs, `above` levels down, beside empty elements that are made for it.
    pub(crate) fn take(&mut self, value: &Value, above: usize, elements: usize) -> Result<(), Problem> {
        let weight = weight(value, MAX_DEPTH - above).ok_or(Problem::TooDeep)?;
        self.0 = self.0.checked_sub(weight + elements * SLOT).ok_or(Problem::TooLarge)?;
        Ok(())
    }
}

/// Whether there are more than `levels` arrays and objects inside each other; looks no deeper than that.
pub(crate) fn nests_deeper_than(value: &Value, levels: usize) -> bool {
    weight(value, levels).is_none()
}

/// What a value takes in bytes, or nothing where it nests deeper than `levels`.
fn weight(value: &Value, levels: usize) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(_) => Some(SLOT),
        Value::Number(number) => Some(SLOT + number.as_str().len()),
        Value::String(text) => Some(SLOT + text.len()),
        Value::Array(items) => {
            let below = levels.checked_sub(1)?;
            items.iter().try_fold(SLOT, |sum, item| Some(sum + weight(item, below)?))
        }
        Value::Object(fields) => {
            let below = levels.checked_sub(1)?;
            fields
                .iter()
                .try_fold(SLOT, |sum, (key, item)| Some(sum + SLOT + key.len() + weight(item, below)?))
        }
    }
}
