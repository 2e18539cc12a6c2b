//! The fields of an event type, for use in mappings.

use ig_core::event_type::{EventTypeDefinition, Field, PayloadFields, Validation, fields_of_sample, fields_of_schema};
use ig_core::fault::Faults;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::listing::listing;
use super::{Compilers, ValidationChoice};
use crate::body::validated;
use ig_documents::check_schema;

/// The fields of an event type, and their origin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldSchema {
    /// The event type's name.
    event_type: String,
    /// SCHEMA, SAMPLE where there is no schema, or NONE where there is neither.
    origin: &'static str,
    /// The fields, in order.
    fields: Vec<FieldEntry>,
    /// Whether the list is complete. It leaves out fields beyond its limits of number, length and depth.
    is_complete: bool,
    /// The JSON Schema of payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
    /// A typical payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_payload: Option<Value>,
    /// What happens to events whose payload violates the schema.
    validation: ValidationChoice,
    /// The revision that last changed the event type.
    pub revision: u64,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FieldEntry {
    /// Dotted path as in mappings; `[]` stands for every element.
    path: String,
    /// The JSON Schema names of its types; empty where the schema names none.
    types: Vec<String>,
    /// Whether the schema requires the field.
    required: bool,
    /// What the field means.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

listing! {
    /// A page of an organisation's event types and their fields.
    FieldSchemaList { field_schemas: FieldSchema, unreadable }
}

/// The origin from which to derive the fields of an event type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FieldSchemaChange {
    /// The JSON Schema of payloads.
    pub schema: Option<Value>,
    /// A typical payload.
    pub sample_payload: Option<Value>,
    /// What happens to events whose payload violates the schema; `off` where absent.
    pub validation: Option<ValidationChoice>,
    /// The revision of the event type that the client read; guards against lost updates.
    pub revision: Option<u64>,
}
validated!(FieldSchemaChange);

impl FieldSchemaChange {
    /// The definition with its schema, sample and validation replaced.
    pub(crate) fn apply(self, definition: EventTypeDefinition) -> Result<EventTypeDefinition, Faults> {
        let Self {
            schema,
            sample_payload,
            validation,
            revision: _,
        } = self;
        if schema.is_none() && sample_payload.is_none() {
            return Err(Faults::single("", "must give a schema or a samplePayload"));
        }
        let validation = validation.map_or(Validation::Off, Validation::from);
        check_schema(schema.as_ref(), validation, &Compilers)?;
        Ok(EventTypeDefinition {
            schema,
            sample_payload,
            validation,
            ..definition
        })
    }
}

impl From<EventTypeDefinition> for FieldSchema {
    fn from(definition: EventTypeDefinition) -> Self {
        let EventTypeDefinition {
            event_type,
            sample_payload,
            schema,
            validation,
            revision,
            ..
        } = definition;
        let (origin, described) = match (&schema, &sample_payload) {
            (Some(schema), _) => ("SCHEMA", fields_of_schema(schema)),
            (None, Some(sample)) => ("SAMPLE", fields_of_sample(sample)),
            (None, None) => ("NONE", PayloadFields::nothing()),
        };
        let PayloadFields { fields, is_complete } = described;
        Self {
            event_type: event_type.to_string(),
            origin,
            fields: fields.into_iter().map(FieldEntry::from).collect(),
            is_complete,
            schema,
            sample_payload,
            validation: validation.into(),
            revision,
        }
    }
}

impl From<Field> for FieldEntry {
    fn from(field: Field) -> Self {
        let Field {
            path,
            types,
            is_required,
            description,
        } = field;
        Self {
            path,
            types: types.into_iter().collect(),
            required: is_required,
            description,
        }
    }
}
