//! Limits on the depth and size of an output.

use ig_core::integration::MAX_DEPTH;
use serde_json::Value;

use crate::error::{MAX_OUTPUT, Problem};

/// The bytes that a value takes beside its texts.
const SLOT: usize = size_of::<Value>();

/// The memory that one output may still take, in bytes.
#[derive(Debug)]
pub(crate) struct OutputBudget(usize);

impl OutputBudget {
    pub(crate) fn full() -> Self {
        Self(MAX_OUTPUT)
    }

    /// Charges a value `depth` levels down, and the empty elements that are created before it.
    pub(crate) fn charge(&mut self, value: &Value, depth: usize, elements: usize) -> Result<(), Problem> {
        let size = size_of_value(value, MAX_DEPTH - depth).ok_or(Problem::TooDeep)?;
        self.0 = self.0.checked_sub(size + elements * SLOT).ok_or(Problem::TooLarge)?;
        Ok(())
    }
}

/// Whether arrays and objects nest deeper than `levels`; it looks no deeper than that.
pub(crate) fn nests_deeper_than(value: &Value, levels: usize) -> bool {
    size_of_value(value, levels).is_none()
}

/// The size of a value in bytes; `None` when it nests deeper than `levels`.
fn size_of_value(value: &Value, levels: usize) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(_) => Some(SLOT),
        Value::Number(number) => Some(SLOT + number.as_str().len()),
        Value::String(text) => Some(SLOT + text.len()),
        Value::Array(items) => {
            let below = levels.checked_sub(1)?;
            items
                .iter()
                .try_fold(SLOT, |sum, item| Some(sum + size_of_value(item, below)?))
        }
        Value::Object(fields) => {
            let below = levels.checked_sub(1)?;
            fields.iter().try_fold(SLOT, |sum, (key, item)| {
                Some(sum + SLOT + key.len() + size_of_value(item, below)?)
            })
        }
    }
}
