//! Field mappings, compiled.

use ig_core::fault::Faults;
use ig_core::integration::{MAX_DEPTH, SimpleMapping, StaticField};
use ig_core::lookup::{LookupKey, Resolved};
use serde_json::{Map, Value};

use crate::error::{MappingError, Problem};
use crate::path::{Path, place};

mod carry;
mod change;
mod rule;
mod weight;

pub(crate) use carry::{Carrier, Changed};
use rule::Rule;
pub(crate) use rule::{noted, paired};
pub(crate) use weight::Room;
use weight::nests_deeper_than;

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

    /// What has to be looked up before the mapping can be applied to a payload; each key once, none when no rule looks up.
    pub fn wanted(&self, payload: &Value) -> Vec<LookupKey> {
        let mut keys = Vec::new();
        for rule in &self.rules {
            rule.want(payload, &mut keys);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Gives a payload its shape: the rules in their order, then the static fields.
    pub fn apply(&self, payload: &Value, resolved: &Resolved) -> Result<Value, MappingError> {
        let mut room = Room::whole();
        let mut output = self.begin(payload, &mut room)?;
        for (index, rule) in self.rules.iter().enumerate() {
            rule.apply(payload, resolved, &mut output, &mut room)
                .map_err(|problem| error(format!("/fieldMappings/{index}"), rule.path(), problem))?;
        }
        for (index, field) in self.statics.iter().enumerate() {
            field
                .write(&mut output)
                .map_err(|problem| error(format!("/staticFields/{index}"), field.target.text(), problem))?;
        }
        Ok(output)
    }

    fn begin(&self, payload: &Value, room: &mut Room) -> Result<Value, MappingError> {
        if !self.passthrough {
            return Ok(Value::Object(Map::new()));
        }
        room.take(payload, 0, 0)
            .map_err(|problem| error("/passthrough".to_owned(), "", problem))?;
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

    fn write(&self, output: &mut Value) -> Result<(), Problem> {
        *place(output, &self.target.stages()[0])? = self.value.clone();
        Ok(())
    }
}

pub(crate) fn compile_all<T, C>(
    pointer: &str,
    given: &[T],
    compile: impl Fn(&T) -> Result<C, Faults>,
    faults: &mut Faults,
) -> Vec<C> {
    let mut compiled = Vec::with_capacity(given.len());
    for (index, item) in given.iter().enumerate() {
        match compile(item) {
            Ok(item) => compiled.push(item),
            Err(found) => faults.absorb(&format!("{pointer}/{index}"), found),
        }
    }
    compiled
}

pub(crate) fn error(rule: String, path: &str, problem: Problem) -> MappingError {
    let path = path.to_owned();
    MappingError { rule, path, problem }
}
