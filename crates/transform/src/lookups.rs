//! The lookups that an integration makes for every payload, compiled.

use ig_core::fault::Faults;
use ig_core::id::LookupType;
use ig_core::integration::{LookupReturn, LookupRule, LookupSource, Unmapped};
use ig_core::lookup::{LookupKey, LookupSide, Resolved};
use serde_json::Value;

use crate::error::{MappingError, Problem};
use crate::mapping::{Carrier, Changed, Room, compile_all, error, noted, paired};
use crate::path::{Path, Source};

/// As much of a value as an error quotes, in characters.
const QUOTED: usize = 80;

/// An integration's lookups, ready to be applied to what its transformation made.
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
    /// Compiles the rules; every fault is reported, such as one at `/lookups/0/targetField`.
    pub fn compile(rules: &[LookupRule]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let compiled = Self(compile_all("/lookups", rules, Lookup::compile, &mut faults));
        faults.into_result(compiled)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has to be looked up for a payload; each key once.
    pub fn wanted(&self, payload: &Value) -> Vec<LookupKey> {
        let mut keys = Vec::new();
        for lookup in &self.0 {
            let mut want = |value: &Value| keys.extend(LookupKey::of(&lookup.lookup_type, value));
            lookup.source.each(payload, &mut want);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Reads from the payload and writes into the output, rule by rule.
    pub fn apply(&self, payload: &Value, resolved: &Resolved, output: &mut Value) -> Result<(), MappingError> {
        let mut room = Room::whole();
        for (index, lookup) in self.0.iter().enumerate() {
            let carrier = Carrier {
                source: &lookup.source,
                target: &lookup.target,
                payload,
                change: |found: Option<&Value>| lookup.change(found, resolved),
            };
            carrier
                .carry(output, &mut room)
                .map_err(|problem| error(format!("/lookups/{index}"), lookup.source.text(), problem))?;
        }
        Ok(())
    }
}

impl Lookup {
    fn compile(rule: &LookupRule) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let source = match &rule.source {
            LookupSource::Field(path) => noted(Source::field(path), "/sourceField", &mut faults),
            LookupSource::Template(text) => noted(Source::template(text), "/sourceTemplate", &mut faults),
        };
        let target = noted(Path::target(&rule.target_field), "/targetField", &mut faults);
        if matches!(&rule.returns, LookupReturn::Value { field } if field.is_empty()) {
            faults.add("/targetValueField", "must name a field of the target, such as id");
        }
        let (Some(source), Some(target), true) = (source, target, faults.is_empty()) else {
            return Err(faults);
        };
        paired(&source, &target).map_err(|message| Faults::one("/targetField", message))?;
        Ok(Self {
            lookup_type: rule.lookup_type.clone(),
            source,
            target,
            returns: rule.returns.clone(),
            unmapped: rule.unmapped.clone(),
        })
    }

    /// What is written for a value: what its row says, or what is to be done without one.
    fn change(&self, found: Option<&Value>, resolved: &Resolved) -> Changed {
        let Some(value) = found.filter(|value| !is_blank(value)) else {
            return Ok(self.for_nothing(found));
        };
        let row = LookupKey::of(&self.lookup_type, value).and_then(|key| resolved.get(&key));
        match row.map(|row| self.returned(row)) {
            Some(Some(returned)) => Ok(Some(returned)),
            missing => self.without(value, missing.is_some()),
        }
    }

    /// Where there is nothing to look up, nothing can fail.
    fn for_nothing(&self, found: Option<&Value>) -> Option<Value> {
        match &self.unmapped {
            Unmapped::Default(default) => Some(default.clone()),
            Unmapped::Passthrough => found.cloned(),
            Unmapped::Fail => None,
        }
    }

    fn returned(&self, row: &LookupSide) -> Option<Value> {
        match &self.returns {
            LookupReturn::Value { field } => row.field(field),
            LookupReturn::Object => Some(row.to_object()),
        }
    }

    fn without(&self, value: &Value, has_row: bool) -> Changed {
        match &self.unmapped {
            Unmapped::Passthrough => Ok(Some(value.clone())),
            Unmapped::Default(default) => Ok(Some(default.clone())),
            Unmapped::Fail => Err(self.failed(value, has_row)),
        }
    }

    fn failed(&self, value: &Value, has_row: bool) -> Problem {
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
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
