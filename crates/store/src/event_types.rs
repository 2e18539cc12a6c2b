//! Event types: `_id` is `orgId:eventType`, unambiguous because a number contains no colon.

use ig_core::id::{EventType, OrgId};
use ig_core::ports::StoreError;
use ig_documents::EventTypeDocument;
use mongodb::bson::{Bson, Document};

use crate::configuration::{Configured, ItemSealer, SearchFilter, StoredDocument, format};
use crate::error::unreadable;
use crate::names::EVENT_TYPES;

/// Read access to event types.
pub type EventTypes = Configured<EventTypeDocument>;

pub(crate) fn key(org: OrgId, event_type: &EventType) -> String {
    format!("{org}:{event_type}")
}

impl StoredDocument for EventTypeDocument {
    type Filter = SearchFilter;

    const COLLECTION: &'static str = EVENT_TYPES;

    fn key(org: OrgId, id: &EventType) -> Bson {
        key(org, id).into()
    }

    fn conditions(filter: &SearchFilter) -> Document {
        filter.conditions(&["eventType", "description"])
    }

    fn id(stored: &Document) -> Result<EventType, StoreError> {
        let name = stored.get_str("eventType").map_err(|_| unreadable("eventType"))?;
        Ok(EventType::new(name))
    }

    fn upgrade(stored: &mut Document, _: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::drop_nulls(stored);
        Ok(())
    }
}
