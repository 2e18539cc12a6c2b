//! The kinds of events that an organisation knows.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{EventType, OrgId};

mod fields;

pub use fields::{Described, Field, fields_of_sample, fields_of_schema};

named! {
    /// What becomes of an event whose payload does not keep to the schema of its type.
    Validation {
        /// Payloads are not looked at.
        Off = "off",
        /// It is delivered all the same, and told of.
        Warn = "warn",
        /// It is not taken.
        Reject = "reject",
    }
}

/// A kind of event, described for those who integrate with it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTypeDefinition {
    /// The organisation that defines it.
    pub org_id: OrgId,
    /// Its name, as events carry it.
    pub event_type: EventType,
    /// What it means, in a sentence or two.
    pub description: Option<String>,
    /// A payload as one would see it.
    pub sample_payload: Option<Value>,
    /// The JSON Schema that payloads are to keep to.
    pub schema: Option<Value>,
    /// What becomes of those that do not.
    pub validation: Validation,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl EventTypeDefinition {
    /// The schema that payloads are held against, where they are.
    pub fn enforced_schema(&self) -> Option<&Value> {
        self.schema.as_ref().filter(|_| self.validation != Validation::Off)
    }
}
