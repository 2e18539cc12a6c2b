//! One rule: take what is at one path, change it, put it at another.

use ig_core::fault::Faults;
use ig_core::integration::{FieldMapping, MAX_DEPTH};
use serde_json::Value;

use super::change::Change;
use super::depth::nests_deeper_than;
use crate::path::{Path, Stage, element, empty_for, find, kind, place};

/// A field mapping, ready to be applied.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    source: Path,
    target: Path,
    change: Change,
    default: Option<Value>,
}

impl Rule {
    pub(super) fn compile(mapping: &FieldMapping) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let source = noted(Path::source(&mapping.source), "/sourceField", &mut faults);
        let target = noted(Path::target(&mapping.target), "/targetField", &mut faults);
        let change = Change::compile(mapping.transform.as_ref());
        if let Err(found) = &change {
            faults.absorb("/format", found.clone());
        }
        let (Some(source), Some(target), Ok(change)) = (source, target, change) else {
            return Err(faults);
        };
        if target.brackets() > source.brackets() {
            return Err(Faults::one("/targetField", "must not have more [] than sourceField"));
        }
        let default = mapping.default.clone();
        Ok(Self {
            source,
            target,
            change,
            default,
        })
    }

    /// The path that its errors name.
    pub(super) fn path(&self) -> &str {
        self.source.text()
    }

    pub(super) fn apply(&self, payload: &Value, output: &mut Value) -> Result<(), String> {
        self.carry(self.source.stages(), self.target.stages(), payload, output)
    }

    /// Walks both paths side by side: element by element as far as the target has `[]`, then writes.
    fn carry(&self, source: &[Stage], target: &[Stage], value: &Value, output: &mut Value) -> Result<(), String> {
        let ([from, sources @ ..], [to, targets @ ..]) = (source, target) else {
            return Ok(());
        };
        let Some(next) = targets.first() else {
            return self.write(source, to, value, output);
        };
        let Some(Value::Array(items)) = find(value, from) else {
            return Ok(());
        };
        let elements = array(place(output, to)?)?;
        for (at, item) in items.iter().enumerate() {
            self.carry(sources, targets, item, element(elements, at, &empty_for(next.first())))?;
        }
        Ok(())
    }

    fn write(&self, source: &[Stage], to: &Stage, value: &Value, output: &mut Value) -> Result<(), String> {
        let Some(written) = self.take(source, value)? else {
            return Ok(());
        };
        if nests_deeper_than(&written, MAX_DEPTH - self.target.depth()) {
            return Err(format!("the output would nest deeper than {MAX_DEPTH} levels"));
        }
        *place(output, to)? = written;
        Ok(())
    }

    /// What the rest of the source path finds, changed; an array of it where the path has `[]` left.
    fn take(&self, source: &[Stage], value: &Value) -> Result<Option<Value>, String> {
        let found = source.first().and_then(|stage| find(value, stage));
        match (source.len(), found) {
            (0 | 1, _) => self.change.apply(found, self.default.as_ref()),
            (_, Some(Value::Array(items))) => {
                let mut gathered = Vec::with_capacity(items.len());
                self.gather(&source[1..], items, &mut gathered)?;
                Ok(Some(Value::Array(gathered)))
            }
            _ => Ok(self.default.clone()),
        }
    }

    /// One flat array of what is found in each element; elements without it are left out.
    fn gather(&self, source: &[Stage], items: &[Value], gathered: &mut Vec<Value>) -> Result<(), String> {
        for item in items {
            let found = source.first().and_then(|stage| find(item, stage));
            match (source.len(), found) {
                (0 | 1, _) => gathered.extend(self.change.apply(found, self.default.as_ref())?),
                (_, Some(Value::Array(inner))) => self.gather(&source[1..], inner, gathered)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn array(place: &mut Value) -> Result<&mut Vec<Value>, String> {
    if place.is_null() {
        *place = empty_for(None);
    }
    let kind = kind(place);
    place
        .as_array_mut()
        .ok_or_else(|| format!("the output holds {kind} where the path needs an array"))
}

fn noted(path: Result<Path, String>, pointer: &str, faults: &mut Faults) -> Option<Path> {
    path.map_err(|message| faults.add(pointer, message)).ok()
}
