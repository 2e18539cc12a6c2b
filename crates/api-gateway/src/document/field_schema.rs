//! The fields of a kind of event, for those who map them.

use ig_core::event_type::{Described, EventTypeDefinition, Field, Validation, fields_of_sample, fields_of_schema};
use ig_core::fault::Faults;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ValidationChoice;
use super::event_type::lawful;
use super::listing::listing;
use crate::body::shaped;

/// The fields of a kind of event, and where they are known from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldSchema {
    /// The event type's name.
    event_type: String,
    /// SCHEMA, SAMPLE where there is no schema, NONE where there is neither.
    origin: &'static str,
    /// The fields in their order.
    fields: Vec<FieldEntry>,
    /// Whether these are all; what is too many, too long or too deep is left out.
    is_complete: bool,
    /// The JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
    /// A payload as one would see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_payload: Option<Value>,
    /// What becomes of events whose payload does not keep to the schema.
    validation: ValidationChoice,
    /// The revision that last changed the event type.
    pub revision: u64,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FieldEntry {
    /// Dotted path as mappings write it; `[]` stands for every element.
    path: String,
    /// JSON Schema's names of what it may hold; none where nothing is said.
    types: Vec<String>,
    /// Whether the schema demands it.
    required: bool,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

listing! {
    /// A page of an organisation's event types with their fields.
    FieldSchemaList { field_schemas: FieldSchema }
}

/// What the fields of a kind of event are to be known from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FieldSchemaChange {
    /// The JSON Schema that payloads are to keep to.
    pub schema: Option<Value>,
    /// A payload as one would see it.
    pub sample_payload: Option<Value>,
    /// What becomes of events whose payload does not keep to the schema; `off` where absent.
    pub validation: Option<ValidationChoice>,
    /// The revision of the event type that was seen, as a guard against lost updates.
    pub revision: Option<u64>,
}
shaped!(FieldSchemaChange);

impl FieldSchemaChange {
    /// The definition with what is given in place of what it had.
    pub(crate) fn apply(self, definition: EventTypeDefinition) -> Result<EventTypeDefinition, Faults> {
        let Self {
            schema,
            sample_payload,
            validation,
            revision: _,
        } = self;
        if schema.is_none() && sample_payload.is_none() {
            return Err(Faults::one("", "must give a schema or a samplePayload"));
        }
        let validation = validation.map_or(Validation::Off, Validation::from);
        lawful(schema.as_ref(), validation)?;
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
            (None, None) => ("NONE", Described::nothing()),
        };
        let Described { fields, is_complete } = described;
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
