//! The event types that an organisation defines.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{EventType, OrgId};

mod fields;

pub use fields::{Field, PayloadFields, fields_of_sample, fields_of_schema};

named! {
    /// What happens to an event whose payload violates the schema of its type.
    Validation {
        /// Payloads are not checked.
        Off = "off",
        /// The event is delivered, and the violation reported.
        Warn = "warn",
        /// The event is rejected.
        Reject = "reject",
    }
}

/// An event type, described for integrators.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTypeDefinition {
    /// The organisation that defines it.
    pub org_id: OrgId,
    /// Its name, as events carry it.
    pub event_type: EventType,
    /// Its meaning, in a sentence or two.
    pub description: Option<String>,
    /// A sample payload.
    pub sample_payload: Option<Value>,
    /// The JSON Schema of its payloads.
    pub schema: Option<Value>,
    /// What happens to payloads that violate the schema.
    pub validation: Validation,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl EventTypeDefinition {
    /// The schema that payloads are checked against, if any.
    pub fn enforced_schema(&self) -> Option<&Value> {
        self.schema.as_ref().filter(|_| self.validation != Validation::Off)
    }
}
