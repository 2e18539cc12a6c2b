//! A rule copies a value from one path to another and may change it.

use ig_core::fault::Faults;
use ig_core::integration::FieldMapping;
use ig_core::lookup::{LookupKey, ResolvedLookups};
use serde_json::Value;

use super::field_copy::FieldCopy;
use super::output_budget::OutputBudget;
use super::value_transform::ValueTransform;
use crate::error::Problem;
use crate::path::{Path, Source};

/// A compiled field mapping.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    source: Source,
    target: Path,
    transform: ValueTransform,
    default: Option<Value>,
}

impl Rule {
    pub(super) fn compile(mapping: &FieldMapping) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let source = ok_or_fault(Source::field(&mapping.source), "/sourceField", &mut faults);
        let target = ok_or_fault(Path::target(&mapping.target), "/targetField", &mut faults);
        let transform = ValueTransform::compile(mapping.transform.as_ref());
        if let Err(found) = &transform {
            faults.add_below("/format", found.clone());
        }
        let (Some(source), Some(target), Ok(transform)) = (source, target, transform) else {
            return Err(faults);
        };
        check_brackets(&source, &target).map_err(|message| Faults::single("/targetField", message))?;
        let default = mapping.default.clone();
        Ok(Self {
            source,
            target,
            transform,
            default,
        })
    }

    /// The path for errors.
    pub(super) fn path(&self) -> &str {
        self.source.text()
    }

    /// Adds the lookup keys of a payload.
    pub(super) fn collect_lookup_keys(&self, payload: &Value, keys: &mut Vec<LookupKey>) {
        if let ValueTransform::Lookup(lookup_type) = &self.transform {
            let mut add = |value: &Value| keys.extend(LookupKey::of(lookup_type, value));
            self.source.each(payload, &mut add);
        }
    }

    pub(super) fn apply(
        &self,
        payload: &Value,
        resolved: &ResolvedLookups,
        output: &mut Value,
        budget: &mut OutputBudget,
    ) -> Result<(), Problem> {
        let copy = FieldCopy {
            source: &self.source,
            target: &self.target,
            payload,
            transform: |source: Option<&Value>| self.transform.apply(source, self.default.as_ref(), resolved),
        };
        copy.apply(output, budget)
    }
}

/// Checks that each `[]` of the target has one of the source to pair with.
pub(crate) fn check_brackets(source: &Source, target: &Path) -> Result<(), String> {
    if target.brackets() > source.arrays().len() {
        return Err("must not have more [] than its source".to_owned());
    }
    Ok(())
}

/// The value of a result; an error is added to the faults.
pub(crate) fn ok_or_fault<T>(read: Result<T, String>, pointer: &str, faults: &mut Faults) -> Option<T> {
    read.map_err(|message| faults.add(pointer, message)).ok()
}
