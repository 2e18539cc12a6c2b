//! Event types: `_id` is `orgId:eventType`, unambiguous because a number contains no colon.

use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, OrgId};
use ig_core::ports::StoreError;
use ig_documents::EventTypeDocument;
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{ItemSealer, StoredDocument, format, stored_document};
use crate::database::Database;
use crate::error::unreadable;
use crate::names::EVENT_TYPES;
use crate::page::{Listed, Page, add_search};

/// Read access to event types; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct EventTypes {
    database: Database,
}

impl EventTypes {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's event types.
    pub async fn get(&self, org: OrgId, event_type: &EventType) -> Result<Option<EventTypeDefinition>, StoreError> {
        let filter = doc! { "_id": key(org, event_type), "orgId": org.0 };
        stored_document::get::<EventTypeDocument>(&self.database, filter).await
    }

    /// Lists an organisation's event types by name; `search` matches name and description.
    pub async fn list(&self, org: OrgId, search: Option<&str>, page: Page) -> Result<Listed<EventTypeDefinition>, StoreError> {
        let mut filter = doc! { "orgId": org.0 };
        add_search(&mut filter, search, &["eventType", "description"]);
        stored_document::list_plain::<EventTypeDocument>(&self.database, filter, page).await
    }
}

pub(crate) fn key(org: OrgId, event_type: &EventType) -> String {
    format!("{org}:{event_type}")
}

impl StoredDocument for EventTypeDocument {
    const COLLECTION: &'static str = EVENT_TYPES;

    fn key(item: &EventTypeDefinition) -> Bson {
        key(item.org_id, &item.event_type).into()
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
