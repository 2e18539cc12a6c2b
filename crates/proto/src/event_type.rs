//! Event type definitions.

use ig_core::event_type::{EventTypeDefinition, Validation};
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
            schema,
            validation,
            revision,
            created_at,
            updated_at,
        } = definition;
        Self {
            org_id: org_id.0,
            event_type: event_type.to_string(),
            description: description.clone(),
            sample_payload: sample_payload.as_ref().map(Value::to_string),
            schema: schema.as_ref().map(Value::to_string),
            validation: v1::Validation::from(*validation).into(),
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
            schema,
            validation,
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
            schema: schema.as_deref().map(json::from_wire).transpose().within("schema")?,
            validation: read_validation(validation).within("validation")?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}

impl From<Validation> for v1::Validation {
    fn from(validation: Validation) -> Self {
        match validation {
            Validation::Off => Self::Off,
            Validation::Warn => Self::Warn,
            Validation::Reject => Self::Reject,
        }
    }
}

fn read_validation(number: i32) -> Result<Validation, InvalidMessage> {
    match v1::Validation::try_from(number) {
        Ok(v1::Validation::Off) => Ok(Validation::Off),
        Ok(v1::Validation::Warn) => Ok(Validation::Warn),
        Ok(v1::Validation::Reject) => Ok(Validation::Reject),
        Ok(v1::Validation::Unspecified) | Err(_) => Err(InvalidMessage::value("is not a known validation")),
    }
}
