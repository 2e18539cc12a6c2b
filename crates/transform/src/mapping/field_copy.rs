//! Copies values from one path to another.

use std::borrow::Cow;

use serde_json::Value;

use super::output_budget::OutputBudget;
use crate::error::Problem;
use crate::path::{Path, Source, Stage, element_mut, empty_for, find, slot, type_name};

/// What a value becomes; nothing is written for `None`.
pub(crate) type Transformed = Result<Option<Value>, Problem>;

/// The copy that one rule makes for one payload.
pub(crate) struct FieldCopy<'a, F> {
    pub(crate) source: &'a Source,
    pub(crate) target: &'a Path,
    pub(crate) payload: &'a Value,
    pub(crate) transform: F,
}

impl<F: Fn(Option<&Value>) -> Transformed> FieldCopy<'_, F> {
    /// Reads every value of the source, and writes what it becomes to the target.
    pub(crate) fn apply(&self, output: &mut Value, budget: &mut OutputBudget) -> Result<(), Problem> {
        self.walk(self.source.arrays(), self.target.stages(), self.payload, output, budget)
    }

    /// Walks both paths together: element by element as far as the target has `[]`, then writes.
    fn walk(
        &self,
        arrays: &[Stage],
        target: &[Stage],
        value: &Value,
        output: &mut Value,
        budget: &mut OutputBudget,
    ) -> Result<(), Problem> {
        let [to, targets @ ..] = target else { return Ok(()) };
        let (Some(next), [from, arrays @ ..]) = (targets.first(), arrays) else {
            return self.write(arrays, to, value, output, budget);
        };
        let Some(Value::Array(items)) = find(value, from) else {
            return Ok(());
        };
        let elements = array_mut(slot(output, to)?)?;
        for (at, item) in items.iter().enumerate() {
            let filler = empty_for(next.first());
            if at >= elements.len() {
                budget.charge(&filler, 0, 0)?;
            }
            self.walk(arrays, targets, item, element_mut(elements, at, &filler), budget)?;
        }
        Ok(())
    }

    fn write(
        &self,
        arrays: &[Stage],
        to: &Stage,
        value: &Value,
        output: &mut Value,
        budget: &mut OutputBudget,
    ) -> Result<(), Problem> {
        let Some(written) = self.read(arrays, value)? else {
            return Ok(());
        };
        budget.charge(&written, self.target.depth(), self.target.padding())?;
        *slot(output, to)? = written;
        Ok(())
    }

    /// The transformed value at the rest of the source path; an array of them where the path has `[]` left.
    fn read(&self, arrays: &[Stage], value: &Value) -> Transformed {
        let [first, rest @ ..] = arrays else {
            return self.transformed(value);
        };
        let Some(Value::Array(items)) = find(value, first) else {
            return (self.transform)(None);
        };
        let mut gathered = Vec::with_capacity(items.len());
        self.gather(rest, items, &mut gathered)?;
        Ok(Some(Value::Array(gathered)))
    }

    /// Gathers the values of all elements into one flat array, leaving out elements without one.
    fn gather(&self, arrays: &[Stage], items: &[Value], gathered: &mut Vec<Value>) -> Result<(), Problem> {
        for item in items {
            let Some((first, rest)) = arrays.split_first() else {
                gathered.extend(self.transformed(item)?);
                continue;
            };
            if let Some(Value::Array(inner)) = find(item, first) {
                self.gather(rest, inner, gathered)?;
            }
        }
        Ok(())
    }

    fn transformed(&self, element: &Value) -> Transformed {
        let value = self.source.read(self.payload, element);
        (self.transform)(value.as_ref().map(Cow::as_ref))
    }
}

fn array_mut(slot: &mut Value) -> Result<&mut Vec<Value>, Problem> {
    if slot.is_null() {
        *slot = empty_for(None);
    }
    let found = type_name(slot);
    slot.as_array_mut().ok_or(Problem::InTheWay {
        found,
        needed: "an array",
    })
}
