//! Deliveries that could not be made. They have no end of their own: each is delivered, given up or deleted by somebody.

mod document;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterStatus};
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId};
use ig_core::outcome::ErrorCategory;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub(crate) use document::DeadLetterDocument;

use crate::database::Database;
use crate::field::object_id;
use crate::log_filter::add_period;
use crate::names::DEAD_LETTERS;
use crate::page::{Listed, Page, add_search};

/// Which dead letters are listed; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Where they stand.
    pub status: Option<DeadLetterStatus>,
    /// The class of their last failure.
    pub category: Option<ErrorCategory>,
    /// What they are for.
    pub integration_id: Option<IntegrationId>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// Made at this moment or later.
    pub start: Option<Timestamp>,
    /// Made before this moment.
    pub end: Option<Timestamp>,
    /// Part of the integration's name, the address, the error or the event's identifier.
    pub search: Option<String>,
}

/// The dead letters, for reading; the journal writes them.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    database: Database,
}

impl DeadLetters {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// One of an organisation's dead letters.
    pub async fn get(&self, org: OrgId, id: LogId) -> Result<Option<DeadLetter>, StoreError> {
        let letters = self.database.collection::<DeadLetterDocument<'static>>(DEAD_LETTERS);
        let found = self
            .database
            .within(letters.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 }))
            .await?;
        found.map(DeadLetter::try_from).transpose()
    }

    /// An organisation's dead letters, newest first, their payloads left empty.
    pub async fn list(&self, org: OrgId, filter: &DeadLetterFilter, page: Page) -> Result<Listed<DeadLetter>, StoreError> {
        let newest_first = doc! { "createdAt": -1, "_id": -1 };
        let without_payload = Some(doc! { "originalPayload": 0 });
        let query = query(org, filter);
        let listed = self
            .database
            .page::<DeadLetterDocument<'static>>(DEAD_LETTERS, query, newest_first, without_payload, page);
        listed.await?.try_map(DeadLetter::try_from)
    }
}

fn query(org: OrgId, filter: &DeadLetterFilter) -> Document {
    let DeadLetterFilter {
        status,
        category,
        integration_id,
        event_type,
        event_id,
        start,
        end,
        search,
    } = filter;
    let texts = [
        ("status", status.map(DeadLetterStatus::as_str)),
        ("errorCategory", category.map(ErrorCategory::as_str)),
        ("eventType", event_type.as_ref().map(EventType::as_str)),
        ("eventId", event_id.as_ref().map(EventId::as_str)),
    ];
    let mut query = doc! { "orgId": org.0 };
    query.extend(
        texts
            .into_iter()
            .filter_map(|(field, text)| Some((field.to_owned(), text?.into()))),
    );
    if let Some(id) = integration_id {
        query.insert("integrationConfigId", object_id(id.0));
    }
    add_period(&mut query, *start, *end);
    add_search(
        &mut query,
        search.as_deref(),
        &["integrationName", "targetUrl", "lastError", "eventId"],
    );
    query
}
