//! The kinds of events that an organisation knows.

use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, OrgId};
use serde_json::Value;

use crate::invalid::{InvalidMessage, Within as _};
use crate::json;
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&EventTypeDefinition> for v1::EventTypeDefinition {
    fn from(definition: &EventTypeDefinition) -> Self {
        let EventTypeDefinition {
            org_id,
            event_type,
            description,
            sample_payload,
            revision,
            created_at,
            updated_at,
        } = definition;
        Self {
            org_id: org_id.0,
            event_type: event_type.to_string(),
            description: description.clone(),
            sample_payload: sample_payload.as_ref().map(Value::to_string),
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
        }
    }
}

impl TryFrom<v1::EventTypeDefinition> for EventTypeDefinition {
    type Error = InvalidMessage;

    fn try_from(message: v1::EventTypeDefinition) -> Result<Self, InvalidMessage> {
        let v1::EventTypeDefinition {
            org_id,
            event_type,
            description,
            sample_payload,
            revision,
            created_at,
            updated_at,
        } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            event_type: EventType::new(event_type),
            description,
            sample_payload: sample_payload
                .as_deref()
                .map(json::from_wire)
                .transpose()
                .within("sample_payload")?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}
