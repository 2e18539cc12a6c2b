//! A kind of event as clients send and read it.

use ig_core::clock::Timestamp;
use ig_core::event_type::EventTypeDefinition;
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::listing::listing;
use super::text::{line, noted, within};
use super::{Stamp, text};
use crate::body::shaped;

const LONGEST_DESCRIPTION: usize = 2_000;

/// A kind of event that an organisation knows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EventTypeDefinition)]
pub(crate) struct EventTypeDocument {
    /// Its name, as `eventType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// Its name, as events carry it; required to create one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// What it means, in a sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A payload as one would see it: any JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_payload: Option<Value>,
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
shaped!(EventTypeDocument);

listing! {
    /// A page of an organisation's event types.
    EventTypeList { event_types: EventTypeDocument }
}

impl EventTypeDocument {
    /// The name that a creating body has to give.
    pub(crate) fn named(&self) -> Result<EventType, Faults> {
        let name = self
            .event_type
            .as_deref()
            .ok_or_else(|| Faults::one("/eventType", "is required"))?;
        within("/eventType", text::event_type(name))
    }

    /// The domain's event type of this name, or everything that is wrong.
    pub(crate) fn into_domain(self, org_id: OrgId, event_type: EventType, stamp: Stamp) -> Result<EventTypeDefinition, Faults> {
        let Self {
            id,
            org_id: org,
            event_type: given,
            description,
            sample_payload,
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
        let description = description.and_then(|text| noted(&mut faults, "/description", line(&text, LONGEST_DESCRIPTION)));
        let Stamp { created_at, updated_at } = stamp;
        let definition = EventTypeDefinition {
            org_id,
            event_type,
            description,
            sample_payload,
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
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}
