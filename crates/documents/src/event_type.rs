//! Event types, as clients send and read them.

use ig_core::clock::Timestamp;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::checks::Checks;
use crate::resource::{ResourceDocument, Stamp};
use crate::text;
use crate::text::{collect_faults, line, prefix_faults};

const LONGEST_DESCRIPTION: usize = 2_000;

/// An event type of an organisation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EventTypeDefinition)]
pub struct EventTypeDocument {
    /// The event type's name, as `eventType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that defines the event type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// The name that events carry; required on creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// What the event type means, in a sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A typical payload: any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text")]
    pub sample_payload: Option<Value>,
    /// The JSON Schema of payloads, of at most 64 KiB. It may refer to its own parts only, and never recursively.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text")]
    pub schema: Option<Value>,
    /// What happens to events whose payload violates the schema; `off` where absent.
    pub validation: Option<ValidationChoice>,
    /// The revision that last changed it; in a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

/// What happens to an event whose payload violates the schema of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValidationChoice {
    /// Payloads are not validated.
    Off,
    /// The event is delivered with a warning.
    Warn,
    /// The event is rejected.
    Reject,
}

impl ResourceDocument for EventTypeDocument {
    type Item = EventTypeDefinition;

    fn from_item(item: EventTypeDefinition) -> Result<Self, Faults> {
        Ok(item.into())
    }

    fn into_item(self, org: OrgId, id: EventType, stamp: Stamp, checks: &dyn Checks) -> Result<EventTypeDefinition, Faults> {
        self.into_domain(org, id, stamp, checks)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }
}

impl EventTypeDocument {
    /// An event type of which only the name is known.
    pub fn of_name(name: &str) -> Self {
        Self {
            id: None,
            org_id: None,
            event_type: Some(name.to_owned()),
            description: None,
            sample_payload: None,
            schema: None,
            validation: None,
            revision: None,
            created_at: None,
            updated_at: None,
        }
    }

    /// The name, which a document must give on creation.
    pub fn named(&self) -> Result<EventType, Faults> {
        let name = self
            .event_type
            .as_deref()
            .ok_or_else(|| Faults::single("/eventType", "is required"))?;
        prefix_faults("/eventType", text::event_type(name))
    }

    /// The domain's event type with this name, or everything that is wrong with the document.
    fn into_domain(
        self,
        org_id: OrgId,
        event_type: EventType,
        stamp: Stamp,
        checks: &dyn Checks,
    ) -> Result<EventTypeDefinition, Faults> {
        let Self {
            id,
            org_id: org,
            event_type: given,
            description,
            sample_payload,
            schema,
            validation,
            ..
        } = self;
        let mut faults = Faults::default();
        for (place, name) in [("/id", id), ("/eventType", given)] {
            if name.is_some_and(|name| name != event_type.as_str()) {
                faults.add(place, "cannot be changed");
            }
        }
        if org.is_some_and(|org| org != org_id.0) {
            faults.add("/orgId", "cannot be changed");
        }
        let description =
            description.and_then(|text| collect_faults(&mut faults, "/description", line(&text, LONGEST_DESCRIPTION)));
        let validation = validation.map_or(Validation::Off, Validation::from);
        collect_faults(&mut faults, "", check_schema(schema.as_ref(), validation, checks));
        let Stamp { created_at, updated_at } = stamp;
        let definition = EventTypeDefinition {
            org_id,
            event_type,
            description,
            sample_payload,
            schema,
            validation,
            revision: 0,
            created_at,
            updated_at,
        };
        faults.into_result(definition)
    }
}

impl From<EventTypeDefinition> for EventTypeDocument {
    fn from(definition: EventTypeDefinition) -> Self {
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
            id: Some(event_type.to_string()),
            org_id: Some(org_id.0),
            event_type: Some(event_type.to_string()),
            description,
            sample_payload,
            schema,
            validation: Some(validation.into()),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}

/// Checks a schema's bounds, and that a schema exists where payloads are validated. The schema engine checks the schema itself.
pub fn check_schema(schema: Option<&Value>, validation: Validation, checks: &dyn Checks) -> Result<(), Faults> {
    match (schema, validation) {
        (None, Validation::Warn | Validation::Reject) => Err(Faults::single(
            "/validation",
            "needs a schema; give one as schema, or set validation to off",
        )),
        (None, Validation::Off) => Ok(()),
        (Some(schema), _) => prefix_faults("/schema", checks.schema(schema)),
    }
}

impl From<ValidationChoice> for Validation {
    fn from(choice: ValidationChoice) -> Self {
        match choice {
            ValidationChoice::Off => Self::Off,
            ValidationChoice::Warn => Self::Warn,
            ValidationChoice::Reject => Self::Reject,
        }
    }
}

impl From<Validation> for ValidationChoice {
    fn from(validation: Validation) -> Self {
        match validation {
            Validation::Off => Self::Off,
            Validation::Warn => Self::Warn,
            Validation::Reject => Self::Reject,
        }
    }
}
