//! Event types: `_id` is `orgId:eventType`, unambiguous because a number contains no colon.

mod document;

use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::doc;

pub(crate) use document::EventTypeDocument;

use crate::database::Database;
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
        let types = self.database.collection::<EventTypeDocument>(EVENT_TYPES);
        let found = self
            .database
            .within(types.find_one(doc! { "_id": key(org, event_type), "orgId": org.0 }))
            .await?;
        found.map(EventTypeDefinition::try_from).transpose()
    }

    /// Lists an organisation's event types by name; `search` matches name and description.
    pub async fn list(&self, org: OrgId, search: Option<&str>, page: Page) -> Result<Listed<EventTypeDefinition>, StoreError> {
        let mut filter = doc! { "orgId": org.0 };
        add_search(&mut filter, search, &["eventType", "description"]);
        let listed = self
            .database
            .page::<EventTypeDocument>(EVENT_TYPES, filter, doc! { "_id": 1 }, None, page)
            .await?;
        listed.try_map(EventTypeDefinition::try_from)
    }
}

pub(crate) fn key(org: OrgId, event_type: &EventType) -> String {
    format!("{org}:{event_type}")
}
