//! Dead letters: deliveries that failed. Each is delivered on a retry, given up, or deleted by a person; letters that
//! were delivered or given up are kept for the organisation's retention of logs, counted from then.

mod alerting;
mod claims;
mod document;
mod manual_retry;
mod redriven;
mod settle;
mod state;
mod statistics;
mod tally;

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::RetryProgress;
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId, RedriveId};
use ig_core::outcome::ErrorCategory;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use alerting::GivenUp;
pub(crate) use document::DeadLetterDocument;
pub use manual_retry::Deletion;
pub use redriven::RedriveClaim;
pub(crate) use redriven::covering;
pub use settle::{RetryUpdate, SettleOutcome};
pub use statistics::{DeadLetterStatistics, IntegrationDeadLetters};
pub use tally::DeadLetterTally;

use crate::database::{Database, Documents};
use crate::field::object_id;
use crate::names::DEAD_LETTERS;
use crate::page::{
    IdentifierSearch, Listed, Page, Period, SortTime, TimedSearch, add_event, add_integration, add_period, add_search,
    event_names, org_filter,
};

/// Selects dead letters; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Their status.
    pub status: Option<DeadLetterStatus>,
    /// The category of their last failure.
    pub category: Option<ErrorCategory>,
    /// Why they became dead letters.
    pub reason: Option<DeadLetterReason>,
    /// Their integration.
    pub integration_id: Option<IntegrationId>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// Created at this time or later.
    pub start: Option<Timestamp>,
    /// Created before this time.
    pub end: Option<Timestamp>,
    /// Part of the integration's name, the URL, the error or the event's identifier.
    pub search: Option<String>,
}

/// A stored dead letter: the failed delivery, and the state of its retries.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDeadLetter {
    /// The delivery, its last failure and the number of its attempts.
    pub letter: DeadLetter,
    /// The state of its retries.
    pub retry_progress: RetryProgress,
    /// The redrive that has queued it.
    pub redrive: Option<RedriveId>,
    /// Its retention after it is settled.
    pub keep_for: Option<Duration>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it expires; `None` until it is settled.
    pub expires_at: Option<Timestamp>,
}

/// The repository of dead letters. The journal creates them; a process that retries one holds a claim on it.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    database: Database,
}

impl DeadLetters {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's dead letters.
    pub async fn get(&self, org: OrgId, id: LogId) -> Result<Option<StoredDeadLetter>, StoreError> {
        let letters = self.letters::<DeadLetterDocument<'static>>();
        let found = letters.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 });
        self.database.within(found).await?.map(StoredDeadLetter::try_from).transpose()
    }

    /// Lists an organisation's dead letters, newest first, without payloads; a large total is counted only as far as needed.
    pub async fn list(&self, org: OrgId, filter: &DeadLetterFilter, page: Page) -> Result<Listed<StoredDeadLetter>, StoreError> {
        let without_payload = Some(doc! { "originalPayload": 0 });
        let mut query = query(org, filter);
        let listed = if let Some(event) = &filter.event_id {
            add_period(&mut query, "createdAt", filter.start, filter.end);
            let search = IdentifierSearch {
                collection: DEAD_LETTERS,
                name: doc! { "eventId": event_names(org, event) },
                query,
                order: SortTime::CREATED.order(),
                without: without_payload,
            };
            self.database
                .by_identifier::<DeadLetterDocument<'static>>(search, page)
                .await?
        } else {
            let search = TimedSearch {
                collection: DEAD_LETTERS,
                query,
                keys: if filter.status.is_some() {
                    &["orgId", "status"]
                } else {
                    &["orgId"]
                },
                time: SortTime::CREATED,
                period: Period {
                    start: filter.start,
                    end: filter.end,
                },
                without: without_payload,
            };
            self.database.latest::<DeadLetterDocument<'static>>(search, page).await?
        };
        listed.try_map(StoredDeadLetter::try_from)
    }

    fn letters<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(DEAD_LETTERS)
    }

    /// Updates one dead letter if it matches the filter; returns whether it did.
    async fn change(&self, filter: Document, change: Document) -> Result<bool, StoreError> {
        let letters = self.letters::<Document>();
        let changed = self.database.within(letters.update_one(filter, change)).await?;
        Ok(changed.matched_count > 0)
    }
}

fn query(org: OrgId, filter: &DeadLetterFilter) -> Document {
    let DeadLetterFilter {
        status,
        category,
        reason,
        integration_id,
        event_type,
        event_id,
        start: _,
        end: _,
        search,
    } = filter;
    let texts = [
        ("status", status.map(DeadLetterStatus::as_str)),
        ("errorCategory", category.map(ErrorCategory::as_str)),
        ("reason", reason.map(DeadLetterReason::as_str)),
        ("eventType", event_type.as_ref().map(EventType::as_str)),
    ];
    let mut query = org_filter(org.0, texts);
    add_event(&mut query, "eventId", org, event_id.as_ref());
    add_integration(&mut query, *integration_id);
    add_search(
        &mut query,
        search.as_deref(),
        &["integrationName", "targetUrl", "lastError", "eventId"],
    );
    query
}
