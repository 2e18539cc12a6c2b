//! One rule: take what is at one path, change it, put it at another.

use ig_core::fault::Faults;
use ig_core::integration::FieldMapping;
use ig_core::lookup::{LookupKey, Resolved};
use serde_json::Value;

use super::carry::Carrier;
use super::change::Change;
use super::weight::Room;
use crate::error::Problem;
use crate::path::{Path, Source};

/// A field mapping, ready to be applied.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    source: Source,
    target: Path,
    change: Change,
    default: Option<Value>,
}

impl Rule {
    pub(super) fn compile(mapping: &FieldMapping) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let source = noted(Source::field(&mapping.source), "/sourceField", &mut faults);
        let target = noted(Path::target(&mapping.target), "/targetField", &mut faults);
        let change = Change::compile(mapping.transform.as_ref());
        if let Err(found) = &change {
            faults.absorb("/format", found.clone());
        }
        let (Some(source), Some(target), Ok(change)) = (source, target, change) else {
            return Err(faults);
        };
        paired(&source, &target).map_err(|message| Faults::one("/targetField", message))?;
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

    /// Adds what it needs looked up.
    pub(super) fn want(&self, payload: &Value, keys: &mut Vec<LookupKey>) {
        if let Change::Lookup(lookup_type) = &self.change {
            let mut want = |value: &Value| keys.extend(LookupKey::of(lookup_type, value));
            self.source.each(payload, &mut want);
        }
    }

    pub(super) fn apply(&self, payload: &Value, resolved: &Resolved, output: &mut Value, room: &mut Room) -> Result<(), Problem> {
        let carrier = Carrier {
            source: &self.source,
            target: &self.target,
            payload,
            change: |found: Option<&Value>| self.change.apply(found, self.default.as_ref(), resolved),
        };
        carrier.carry(output, room)
    }
}

/// Whether each `[]` of the target has one of the source to pair with.
pub(crate) fn paired(source: &Source, target: &Path) -> Result<(), String> {
    if target.brackets() > source.arrays().len() {
        return Err("must not have more [] than its source".to_owned());
    }
    Ok(())
}

pub(crate) fn noted<T>(read: Result<T, String>, pointer: &str, faults: &mut Faults) -> Option<T> {
    read.map_err(|message| faults.add(pointer, message)).ok()
}
