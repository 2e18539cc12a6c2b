//! Carrying values from one path to another.

use std::borrow::Cow;

use serde_json::Value;

use super::weight::Room;
use crate::error::Problem;
use crate::path::{Path, Source, Stage, element, empty_for, find, kind, place};

/// What becomes of a value on its way; for `None` nothing is written.
pub(crate) type Changed = Result<Option<Value>, Problem>;

/// One rule at work on one payload.
pub(crate) struct Carrier<'a, F> {
    pub(crate) source: &'a Source,
    pub(crate) target: &'a Path,
    pub(crate) payload: &'a Value,
    pub(crate) change: F,
}

impl<F: Fn(Option<&Value>) -> Changed> Carrier<'_, F> {
    /// Reads all that the source names, and writes what it becomes where the target says.
    pub(crate) fn carry(&self, output: &mut Value, room: &mut Room) -> Result<(), Problem> {
        self.walk(self.source.arrays(), self.target.stages(), self.payload, output, room)
    }

    /// Walks both paths side by side: element by element as far as the target has `[]`, then writes.
    fn walk(
        &self,
        arrays: &[Stage],
        target: &[Stage],
        value: &Value,
        output: &mut Value,
        room: &mut Room,
    ) -> Result<(), Problem> {
        let [to, targets @ ..] = target else { return Ok(()) };
        let (Some(next), [from, arrays @ ..]) = (targets.first(), arrays) else {
            return self.write(arrays, to, value, output, room);
        };
        let Some(Value::Array(items)) = find(value, from) else {
            return Ok(());
        };
        let elements = array(place(output, to)?)?;
        for (at, item) in items.iter().enumerate() {
            let filler = empty_for(next.first());
            if at >= elements.len() {
                room.take(&filler, 0, 0)?;
            }
            self.walk(arrays, targets, item, element(elements, at, &filler), room)?;
        }
        Ok(())
    }

    fn write(&self, arrays: &[Stage], to: &Stage, value: &Value, output: &mut Value, room: &mut Room) -> Result<(), Problem> {
        let Some(written) = self.take(arrays, value)? else {
            return Ok(());
        };
        room.take(&written, self.target.depth(), self.target.filling())?;
        *place(output, to)? = written;
        Ok(())
    }

    /// What the rest of the source path finds, changed; an array of it where the path has `[]` left.
    fn take(&self, arrays: &[Stage], value: &Value) -> Changed {
        let [first, rest @ ..] = arrays else {
            return self.changed(value);
        };
        let Some(Value::Array(items)) = find(value, first) else {
            return (self.change)(None);
        };
        let mut gathered = Vec::with_capacity(items.len());
        self.gather(rest, items, &mut gathered)?;
        Ok(Some(Value::Array(gathered)))
    }

    /// One flat array of what is found in each element; elements without it are left out.
    fn gather(&self, arrays: &[Stage], items: &[Value], gathered: &mut Vec<Value>) -> Result<(), Problem> {
        for item in items {
            let Some((first, rest)) = arrays.split_first() else {
                gathered.extend(self.changed(item)?);
                continue;
            };
            if let Some(Value::Array(inner)) = find(item, first) {
                self.gather(rest, inner, gathered)?;
            }
        }
        Ok(())
    }

    fn changed(&self, element: &Value) -> Changed {
        let found = self.source.read(self.payload, element);
        (self.change)(found.as_ref().map(Cow::as_ref))
    }
}

fn array(place: &mut Value) -> Result<&mut Vec<Value>, Problem> {
    if place.is_null() {
        *place = empty_for(None);
    }
    let found = kind(place);
    place.as_array_mut().ok_or(Problem::InTheWay {
        found,
        needed: "an array",
    })
}
