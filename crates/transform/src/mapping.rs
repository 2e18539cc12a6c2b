//! Compiled field mappings.

use ig_core::fault::Faults;
use ig_core::integration::{MAX_DEPTH, SimpleMapping, StaticField};
use ig_core::lookup::{LookupKey, ResolvedLookups};
use serde_json::{Map, Value};

use crate::error::{MappingError, Problem};
use crate::path::{Path, slot};

mod field_copy;
mod output_budget;
mod rule;
mod value_transform;

pub(crate) use field_copy::{FieldCopy, Transformed};
pub(crate) use output_budget::OutputBudget;
use output_budget::nests_deeper_than;
use rule::Rule;
pub(crate) use rule::{check_brackets, ok_or_fault};

/// Compiled field mappings and static fields.
#[derive(Debug, Clone)]
pub struct CompiledMapping {
    passthrough: bool,
    rules: Vec<Rule>,
    static_fields: Vec<CompiledStatic>,
}

#[derive(Debug, Clone)]
struct CompiledStatic {
    target: Path,
    value: Value,
}

impl CompiledMapping {
    /// Compiles the rules, and reports every fault, such as one at `/fieldMappings/0/sourceField`.
    pub fn compile(mapping: &SimpleMapping) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let compiled = Self {
            passthrough: mapping.passthrough,
            rules: compile_all("/fieldMappings", &mapping.fields, Rule::compile, &mut faults),
            static_fields: compile_all("/staticFields", &mapping.statics, CompiledStatic::compile, &mut faults),
        };
        faults.into_result(compiled)
    }

    /// The lookup keys to resolve before applying the mapping to a payload, without duplicates.
    pub fn lookup_keys(&self, payload: &Value) -> Vec<LookupKey> {
        let mut keys = Vec::new();
        for rule in &self.rules {
            rule.collect_lookup_keys(payload, &mut keys);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Maps a payload: the rules in their order, then the static fields.
    pub fn apply(&self, payload: &Value, resolved: &ResolvedLookups) -> Result<Value, MappingError> {
        let mut budget = OutputBudget::full();
        let mut output = self.initial_output(payload, &mut budget)?;
        for (index, rule) in self.rules.iter().enumerate() {
            rule.apply(payload, resolved, &mut output, &mut budget)
                .map_err(|problem| error(format!("/fieldMappings/{index}"), rule.path(), problem))?;
        }
        for (index, field) in self.static_fields.iter().enumerate() {
            field
                .write(&mut output)
                .map_err(|problem| error(format!("/staticFields/{index}"), field.target.text(), problem))?;
        }
        Ok(output)
    }

    fn initial_output(&self, payload: &Value, budget: &mut OutputBudget) -> Result<Value, MappingError> {
        if !self.passthrough {
            return Ok(Value::Object(Map::new()));
        }
        budget
            .charge(payload, 0, 0)
            .map_err(|problem| error("/passthrough".to_owned(), "", problem))?;
        Ok(payload.clone())
    }
}

impl CompiledStatic {
    fn compile(field: &StaticField) -> Result<Self, Faults> {
        let target = Path::target(&field.key).map_err(|message| Faults::single("/key", message))?;
        if target.brackets() > 0 {
            return Err(Faults::single("/key", "must not have []"));
        }
        if nests_deeper_than(&field.value, MAX_DEPTH - target.depth()) {
            return Err(Faults::single(
                "/value",
                format!("must not nest deeper than {MAX_DEPTH} levels with its key"),
            ));
        }
        let value = field.value.clone();
        Ok(Self { target, value })
    }

    fn write(&self, output: &mut Value) -> Result<(), Problem> {
        *slot(output, &self.target.stages()[0])? = self.value.clone();
        Ok(())
    }
}

pub(crate) fn compile_all<T, C>(
    pointer: &str,
    items: &[T],
    compile: impl Fn(&T) -> Result<C, Faults>,
    faults: &mut Faults,
) -> Vec<C> {
    let mut compiled = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match compile(item) {
            Ok(item) => compiled.push(item),
            Err(found) => faults.add_below(&format!("{pointer}/{index}"), found),
        }
    }
    compiled
}

pub(crate) fn error(rule: String, path: &str, problem: Problem) -> MappingError {
    let path = path.to_owned();
    MappingError { rule, path, problem }
}
