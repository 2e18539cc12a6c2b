//! A schema in the place of a script: a payload goes in, what is wrong with it comes out.

use ig_core::fault::Faults;
use ig_core::json;

use super::engine::{Finished, Loaded, Value};
use crate::schema::{Finding, PayloadSchema};
use crate::script::ScriptFault;
use crate::script::wire::{Failure, RunHead};

/// A schema that is ready, or why there is none.
pub(super) struct SchemaRun(Result<PayloadSchema, Faults>);

impl SchemaRun {
    /// Reads a schema. One that cannot be used says so whenever it is run.
    pub(super) fn of(source: &str) -> Self {
        let schema = json::parse(source.as_bytes()).map_err(|error| Faults::one("", error.to_string()));
        Self(schema.and_then(|schema| PayloadSchema::compile(&schema)))
    }

    fn find(&self, payload: &[u8]) -> Result<String, Failure> {
        let finding = match &self.0 {
            Err(faults) => Finding::Unusable(faults.clone()),
            Ok(schema) => {
                let payload = json::parse(payload).map_err(|error| failed(error.to_string()))?;
                Finding::Held(schema.check(&payload).err().unwrap_or_default())
            }
        };
        finding.to_json().map_err(|error| failed(error.to_string()))
    }
}

impl Loaded for SchemaRun {
    fn run(&mut self, _head: &RunHead, payload: &[u8]) -> Finished {
        Finished {
            value: self.find(payload).map(Value::Output),
            console: Vec::new(),
        }
    }

    fn spoiled(&self) -> bool {
        false
    }
}

fn failed(message: String) -> Failure {
    Failure::new(ScriptFault::Error, message)
}
