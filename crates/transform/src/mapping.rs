//! Field mappings, compiled.

use ig_core::fault::Faults;
use ig_core::integration::{MAX_DEPTH, SimpleMapping, StaticField};
use serde_json::{Map, Value};

use crate::error::MappingError;
use crate::path::{Path, place};

mod change;
mod depth;
mod rule;

use depth::nests_deeper_than;
use rule::Rule;

/// Field mappings and static fields, ready to be applied.
#[derive(Debug, Clone)]
pub struct CompiledMapping {
    passthrough: bool,
    rules: Vec<Rule>,
    statics: Vec<Static>,
}

#[derive(Debug, Clone)]
struct Static {
    target: Path,
    value: Value,
}

impl CompiledMapping {
    /// Compiles the rules; every fault is reported, such as one at `/fieldMappings/0/sourceField`.
    pub fn compile(mapping: &SimpleMapping) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let compiled = Self {
            passthrough: mapping.passthrough,
            rules: compile_all("/fieldMappings", &mapping.fields, Rule::compile, &mut faults),
            statics: compile_all("/staticFields", &mapping.statics, Static::compile, &mut faults),
        };
        faults.into_result(compiled)
    }

    /// Gives a payload its shape: the rules in their order, then the static fields.
    pub fn apply(&self, payload: &Value) -> Result<Value, MappingError> {
        let mut output = self.begin(payload)?;
        for (index, rule) in self.rules.iter().enumerate() {
            rule.apply(payload, &mut output)
                .map_err(|message| error(format!("/fieldMappings/{index}"), rule.path(), message))?;
        }
        for (index, field) in self.statics.iter().enumerate() {
            field
                .write(&mut output)
                .map_err(|message| error(format!("/staticFields/{index}"), field.target.text(), message))?;
        }
        Ok(output)
    }

    fn begin(&self, payload: &Value) -> Result<Value, MappingError> {
        if !self.passthrough {
            return Ok(Value::Object(Map::new()));
        }
        if nests_deeper_than(payload, MAX_DEPTH) {
            let message = format!("the payload nests deeper than {MAX_DEPTH} levels");
            return Err(error("/passthrough".to_owned(), "", message));
        }
        Ok(payload.clone())
    }
}

impl Static {
    fn compile(field: &StaticField) -> Result<Self, Faults> {
        let target = Path::target(&field.key).map_err(|message| Faults::one("/key", message))?;
        if target.brackets() > 0 {
            return Err(Faults::one("/key", "must not have []"));
        }
        if nests_deeper_than(&field.value, MAX_DEPTH - target.depth()) {
            return Err(Faults::one(
                "/value",
                format!("must not nest deeper than {MAX_DEPTH} levels with its key"),
            ));
        }
        let value = field.value.clone();
        Ok(Self { target, value })
    }

    fn write(&self, output: &mut Value) -> Result<(), String> {
        *place(output, &self.target.stages()[0])? = self.value.clone();
        Ok(())
    }
}

fn compile_all<T, C>(pointer: &str, given: &[T], compile: impl Fn(&T) -> Result<C, Faults>, faults: &mut Faults) -> Vec<C> {
    let mut compiled = Vec::with_capacity(given.len());
    for (index, item) in given.iter().enumerate() {
        match compile(item) {
            Ok(item) => compiled.push(item),
            Err(found) => faults.absorb(&format!("{pointer}/{index}"), found),
        }
    }
    compiled
}

fn error(rule: String, path: &str, message: String) -> MappingError {
    let path = path.to_owned();
    MappingError { rule, path, message }
}
