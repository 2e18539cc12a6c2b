//! The compiled lookups of an integration.

use ig_core::fault::Faults;
use ig_core::id::LookupType;
use ig_core::integration::{LookupReturn, LookupRule, LookupSource, Unmapped};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use serde_json::Value;

use crate::error::{MappingError, Problem};
use crate::mapping::{FieldCopy, OutputBudget, Transformed, check_brackets, compile_all, error, ok_or_fault};
use crate::path::{Path, Source};

/// The most characters of a value that an error quotes.
const MAX_QUOTED: usize = 80;

/// An integration's lookups, which apply to the output of its transformation.
#[derive(Debug, Clone, Default)]
pub struct CompiledLookups(Vec<Lookup>);

#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "type is a word of the language")]
struct Lookup {
    lookup_type: LookupType,
    source: Source,
    target: Path,
    returns: LookupReturn,
    unmapped: Unmapped,
}

impl CompiledLookups {
    /// Compiles the rules, and reports every fault, such as one at `/lookups/0/targetField`.
    pub fn compile(rules: &[LookupRule]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let compiled = Self(compile_all("/lookups", rules, Lookup::compile, &mut faults));
        faults.into_result(compiled)
    }

    /// Whether there are no lookups.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys to resolve for a payload, without duplicates.
    pub fn lookup_keys(&self, payload: &Value) -> Vec<LookupKey> {
        let mut keys = Vec::new();
        for lookup in &self.0 {
            let mut add = |value: &Value| keys.extend(LookupKey::of(&lookup.lookup_type, value));
            lookup.source.each(payload, &mut add);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Reads from the payload and writes into the output, rule by rule.
    pub fn apply(&self, payload: &Value, resolved: &ResolvedLookups, output: &mut Value) -> Result<(), MappingError> {
        let mut budget = OutputBudget::full();
        for (index, lookup) in self.0.iter().enumerate() {
            let copy = FieldCopy {
                source: &lookup.source,
                target: &lookup.target,
                payload,
                transform: |source: Option<&Value>| lookup.transform(source, resolved),
            };
            copy.apply(output, &mut budget)
                .map_err(|problem| error(format!("/lookups/{index}"), lookup.source.text(), problem))?;
        }
        Ok(())
    }
}

impl Lookup {
    fn compile(rule: &LookupRule) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let source = match &rule.source {
            LookupSource::Field(path) => ok_or_fault(Source::field(path), "/sourceField", &mut faults),
            LookupSource::Template(text) => ok_or_fault(Source::template(text), "/sourceTemplate", &mut faults),
        };
        let target = ok_or_fault(Path::target(&rule.target_field), "/targetField", &mut faults);
        if matches!(&rule.returns, LookupReturn::Value { field } if field.is_empty()) {
            faults.add("/targetValueField", "must name a field of the target, such as id");
        }
        let (Some(source), Some(target), true) = (source, target, faults.is_empty()) else {
            return Err(faults);
        };
        check_brackets(&source, &target).map_err(|message| Faults::single("/targetField", message))?;
        Ok(Self {
            lookup_type: rule.lookup_type.clone(),
            source,
            target,
            returns: rule.returns.clone(),
            unmapped: rule.unmapped.clone(),
        })
    }

    /// The value to write: from the row of the source value, or by the rule for unmapped values.
    fn transform(&self, source: Option<&Value>, resolved: &ResolvedLookups) -> Transformed {
        let Some(value) = source.filter(|value| !is_blank(value)) else {
            return Ok(self.without_source(source));
        };
        let row = LookupKey::of(&self.lookup_type, value).and_then(|key| resolved.get(&key));
        match row.map(|row| self.read_row(row)) {
            Some(Some(returned)) => Ok(Some(returned)),
            missing => self.unmapped(value, missing.is_some()),
        }
    }

    /// The value to write where there is nothing to look up; this never fails.
    fn without_source(&self, source: Option<&Value>) -> Option<Value> {
        match &self.unmapped {
            Unmapped::Default(default) => Some(default.clone()),
            Unmapped::Passthrough => source.cloned(),
            Unmapped::Fail => None,
        }
    }

    fn read_row(&self, row: &LookupSide) -> Option<Value> {
        match &self.returns {
            LookupReturn::Value { field } => row.field(field),
            LookupReturn::Object => Some(row.to_object()),
        }
    }

    fn unmapped(&self, value: &Value, has_row: bool) -> Transformed {
        match &self.unmapped {
            Unmapped::Passthrough => Ok(Some(value.clone())),
            Unmapped::Default(default) => Ok(Some(default.clone())),
            Unmapped::Fail => Err(self.unmapped_problem(value, has_row)),
        }
    }

    fn unmapped_problem(&self, value: &Value, has_row: bool) -> Problem {
        let (lookup_type, value) = (self.lookup_type.clone(), quoted(value));
        match &self.returns {
            LookupReturn::Value { field } if has_row => Problem::NoField {
                lookup_type,
                value,
                field: field.clone(),
            },
            LookupReturn::Value { .. } | LookupReturn::Object => Problem::Unmapped { lookup_type, value },
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
