//! A transformation made ready: what happens to every payload.

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::fault::Faults;
use ig_core::integration::Transformation;

use crate::error::MappingError;
use crate::mapping::CompiledMapping;

/// A transformation that was compiled when its configuration arrived.
#[derive(Debug, Clone)]
pub enum Compiled {
    /// The very bytes that were received.
    Identity,
    /// Field mappings.
    Mapping(CompiledMapping),
}

impl Compiled {
    /// Compiles a transformation; faults carry JSON pointers into the integration's document.
    pub fn compile(transformation: &Transformation) -> Result<Self, Faults> {
        match transformation {
            Transformation::Simple(mapping) if mapping.is_identity() => Ok(Self::Identity),
            Transformation::Simple(mapping) => CompiledMapping::compile(mapping).map(Self::Mapping),
        }
    }

    /// The bytes to send for a payload.
    pub fn apply(&self, payload: &Payload) -> Result<Bytes, MappingError> {
        match self {
            Self::Identity => Ok(payload.raw.clone()),
            Self::Mapping(mapping) => {
                let output = mapping.apply(&payload.json)?;
                Ok(Bytes::from(output.to_string().into_bytes()))
            }
        }
    }

    /// Whether payloads are sent as they were received, to the byte.
    pub fn is_identity(&self) -> bool {
        matches!(self, Self::Identity)
    }
}
