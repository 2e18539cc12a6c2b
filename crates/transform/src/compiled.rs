//! A transformation made ready: what happens to every payload.

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::fault::Faults;
use ig_core::integration::{Script, SimpleMapping, Transformation};
use ig_core::lookup::{LookupKey, Resolved};
use serde_json::Value;

use crate::error::MappingError;
use crate::mapping::CompiledMapping;

/// A transformation that was compiled when its configuration arrived.
#[derive(Debug, Clone)]
pub enum Compiled {
    /// Done here and now, by rules alone.
    Simple(CompiledSimple),
    /// Done by the script engine; whether it compiles is found out there.
    Script(Script),
}

/// A transformation by rules alone.
#[derive(Debug, Clone)]
pub enum CompiledSimple {
    /// The very bytes that were received.
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

    /// Whether payloads are sent as they were received, to the byte.
    pub fn is_identity(&self) -> bool {
        matches!(self, Self::Simple(CompiledSimple::Identity))
    }
}

impl CompiledSimple {
    /// Compiles the rules; every fault is reported.
    pub fn compile(mapping: &SimpleMapping) -> Result<Self, Faults> {
        if mapping.is_identity() {
            return Ok(Self::Identity);
        }
        CompiledMapping::compile(mapping).map(Self::Mapping)
    }

    /// What has to be looked up before it can be applied to a payload.
    pub fn wanted(&self, payload: &Value) -> Vec<LookupKey> {
        match self {
            Self::Identity => Vec::new(),
            Self::Mapping(mapping) => mapping.wanted(payload),
        }
    }

    /// The bytes to send for a payload, where nothing else changes it.
    pub fn apply(&self, payload: &Payload, resolved: &Resolved) -> Result<Bytes, MappingError> {
        match self {
            Self::Identity => Ok(payload.raw.clone()),
            Self::Mapping(mapping) => {
                let output = mapping.apply(&payload.json, resolved)?;
                Ok(Bytes::from(output.to_string().into_bytes()))
            }
        }
    }

    /// What a payload becomes, for others to go on with.
    pub fn shape(&self, payload: &Value, resolved: &Resolved) -> Result<Value, MappingError> {
        match self {
            Self::Identity => Ok(payload.clone()),
            Self::Mapping(mapping) => mapping.apply(payload, resolved),
        }
    }
}
