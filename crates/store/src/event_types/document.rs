//! An event type as stored.

use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson;
use serde::{Deserialize, Serialize};

use super::key;
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
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

impl EventTypeDocument {
    pub(crate) fn new(definition: &EventTypeDefinition, revision: u64) -> Self {
        let EventTypeDefinition {
            org_id,
            event_type,
            description,
            sample_payload,
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
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
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
            revision,
            created_at,
            updated_at,
        } = document;
        Ok(Self {
            org_id: OrgId(org_id),
            event_type: EventType::new(event_type),
            description,
            sample_payload: sample_payload.map(|text| json("samplePayload", &text)).transpose()?,
            revision: unsigned(revision),
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
        })
    }
}
