//! Compiled transformations.

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::fault::Faults;
use ig_core::integration::{Script, SimpleMapping, Transformation};
use ig_core::lookup::{LookupKey, ResolvedLookups};
use serde_json::Value;

use crate::error::MappingError;
use crate::mapping::CompiledMapping;

/// A transformation, compiled when its configuration arrives.
#[derive(Debug, Clone)]
pub enum Compiled {
    /// Rules, applied in this process.
    Simple(CompiledSimple),
    /// A script, which the script engine compiles and runs.
    Script(Script),
}

/// A transformation by rules.
#[derive(Debug, Clone)]
pub enum CompiledSimple {
    /// Sends the bytes as they were received.
    Identity,
    /// Field mappings.
    Mapping(CompiledMapping),
}

impl Compiled {
    /// Compiles a transformation; faults carry JSON pointers into the integration's document.
    pub fn compile(transformation: &Transformation) -> Result<Self, Faults> {
        match transformation {
            Transformation::Simple(mapping) => CompiledSimple::compile(mapping).map(Self::Simple),
            Transformation::Script(script) => Ok(Self::Script(script.clone())),
        }
    }

    /// Whether payloads are sent as they were received, byte for byte.
    pub fn is_identity(&self) -> bool {
        matches!(self, Self::Simple(CompiledSimple::Identity))
    }
}

impl CompiledSimple {
    /// Compiles the rules, and reports every fault.
    pub fn compile(mapping: &SimpleMapping) -> Result<Self, Faults> {
        if mapping.is_identity() {
            return Ok(Self::Identity);
        }
        CompiledMapping::compile(mapping).map(Self::Mapping)
    }

    /// The lookup keys to resolve before applying it to a payload.
    pub fn lookup_keys(&self, payload: &Value) -> Vec<LookupKey> {
        match self {
            Self::Identity => Vec::new(),
            Self::Mapping(mapping) => mapping.lookup_keys(payload),
        }
    }

    /// The bytes to send for a payload that nothing else changes.
    pub fn apply(&self, payload: &Payload, resolved: &ResolvedLookups) -> Result<Bytes, MappingError> {
        match self {
            Self::Identity => Ok(payload.raw.clone()),
            Self::Mapping(mapping) => {
                let output = mapping.apply(&payload.json, resolved)?;
                Ok(Bytes::from(output.to_string().into_bytes()))
            }
        }
    }

    /// The value that a payload becomes, for further changes.
    pub fn shape(&self, payload: &Value, resolved: &ResolvedLookups) -> Result<Value, MappingError> {
        match self {
            Self::Identity => Ok(payload.clone()),
            Self::Mapping(mapping) => mapping.apply(payload, resolved),
        }
    }
}
