//! An event type as stored.

use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::id::{EventType, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson;
use serde::{Deserialize, Serialize};

use super::key;
use crate::error::unreadable;
use crate::field::{date, json, json_text, long, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventTypeDocument {
    #[serde(rename = "_id")]
    id: String,
    org_id: i64,
    event_type: String,
    description: Option<String>,
    sample_payload: Option<String>,
    schema: Option<String>,
    #[serde(default = "off")]
    validation: String,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

/// Definitions from before schema validation existed lack this field.
fn off() -> String {
    Validation::Off.as_str().to_owned()
}

impl EventTypeDocument {
    pub(crate) fn new(definition: &EventTypeDefinition, revision: u64) -> Self {
        let EventTypeDefinition {
            org_id,
            event_type,
            description,
            sample_payload,
            schema,
            validation,
            revision: _,
            created_at,
            updated_at,
        } = definition;
        Self {
            id: key(*org_id, event_type),
            org_id: org_id.0,
            event_type: event_type.to_string(),
            description: description.clone(),
            sample_payload: sample_payload.as_ref().map(json_text),
            schema: schema.as_ref().map(json_text),
            validation: validation.as_str().to_owned(),
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }
}

impl EventTypeDocument {
    /// The same without its sample payload.
    pub(crate) fn without_sample(self) -> Self {
        Self {
            sample_payload: None,
            ..self
        }
    }
}

impl TryFrom<EventTypeDocument> for EventTypeDefinition {
    type Error = StoreError;

    fn try_from(document: EventTypeDocument) -> Result<Self, StoreError> {
        let EventTypeDocument {
            id: _,
            org_id,
            event_type,
            description,
            sample_payload,
            schema,
            validation,
            revision,
            created_at,
            updated_at,
        } = document;
        Ok(Self {
            org_id: OrgId(org_id),
            event_type: EventType::new(event_type),
            description,
            sample_payload: sample_payload.map(|text| json("samplePayload", &text)).transpose()?,
            schema: schema.map(|text| json("schema", &text)).transpose()?,
            validation: Validation::parse(&validation).ok_or_else(|| unreadable("validation"))?,
            revision: unsigned(revision),
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
        })
    }
}
