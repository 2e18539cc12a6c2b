//! Runs a schema in place of a script: a payload goes in, a validation report comes out.

use ig_core::fault::Faults;
use ig_core::json;

use super::engine::{LoadedScript, RunResult, Value};
use crate::schema::{PayloadSchema, ValidationReport};
use crate::script::ScriptFault;
use crate::script::wire::{Failure, RunHead};

/// A compiled schema, or why it does not compile.
pub(super) struct LoadedSchema(Result<PayloadSchema, Faults>);

impl LoadedSchema {
    /// Compiles a schema. Every run of one that does not compile reports why.
    pub(super) fn of(source: &str) -> Self {
        let schema = json::parse(source.as_bytes()).map_err(|error| Faults::single("", error.to_string()));
        Self(schema.and_then(|schema| PayloadSchema::compile(&schema)))
    }

    fn validate(&self, payload: &[u8]) -> Result<String, Failure> {
        let report = match &self.0 {
            Err(faults) => ValidationReport::UnusableSchema(faults.clone()),
            Ok(schema) => {
                let payload = json::parse(payload).map_err(|error| failed(error.to_string()))?;
                ValidationReport::Validated(schema.check(&payload).err().unwrap_or_default())
            }
        };
        report.to_json().map_err(|error| failed(error.to_string()))
    }
}

impl LoadedScript for LoadedSchema {
    fn run(&mut self, _head: &RunHead, payload: &[u8]) -> RunResult {
        RunResult {
            value: self.validate(payload).map(Value::Output),
            console: Vec::new(),
        }
    }

    fn is_poisoned(&self) -> bool {
        false
    }
}

fn failed(message: String) -> Failure {
    Failure::new(ScriptFault::Error, message)
}
