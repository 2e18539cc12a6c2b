//! The durable record of deliveries: a few grouped inserts for any number of them.

mod retry;

use std::collections::HashSet;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use futures::future::try_join_all;
use ig_core::audit::EventAudit;
use ig_core::clock::Timestamp;
use ig_core::dedup::SeenEvent;
use ig_core::delivery_log::{DeliveryLog, ExecutionTrace};
use ig_core::id::{LogId, Position, SourceId};
use ig_core::ports::{Journal, JournalEntry, StoreError};
use ig_core::scheduled::{CancellationEvent, ScheduledDelivery};
use mongodb::bson::{doc, oid::ObjectId};
use serde::Deserialize;

use crate::database::Database;
use crate::dead_letters::DeadLetterDocument;
use crate::delivery_logs::DeliveryDocument;
use crate::delivery_tallies;
use crate::event_audit::{self, AuditDocument};
use crate::execution_logs::TraceDocument;
use crate::field::object_id;
use crate::names::{DEAD_LETTERS, DELIVERY_LOGS, EVENT_AUDIT, EXECUTION_LOGS, PROCESSED_EVENTS, SCHEDULED};
use crate::processed_events::{self, SeenChunk};
use crate::scheduled_integrations::ScheduledDeliveries;

/// Logs in one query.
const LOOKUP_CHUNK: usize = 500;

/// The journal in MongoDB. Every `_id` follows from what is recorded, so a repeated write finds its document in place.
#[derive(Debug, Clone)]
pub struct MongoJournal {
    database: Database,
}

#[derive(Debug, Deserialize)]
struct IdDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
}

/// Entries as documents, by collection.
#[derive(Default)]
struct SortedEntries<'a> {
    dead_letters: Vec<DeadLetterDocument<'a>>,
    deliveries: Vec<DeliveryDocument<'a>>,
    traces: Vec<TraceDocument<'a>>,
    retries: Vec<(&'a DeliveryLog, &'a ExecutionTrace)>,
    audits: Vec<AuditDocument<'a>>,
    redecided: Vec<&'a EventAudit>,
    seen: Vec<&'a SeenEvent>,
    scheduled: Vec<&'a ScheduledDelivery>,
    cancellations: Vec<&'a CancellationEvent>,
}

impl<'a> SortedEntries<'a> {
    fn sort(entries: &'a [JournalEntry]) -> Self {
        let mut sorted = Self::default();
        for entry in entries {
            sorted.add(entry);
        }
        sorted
    }

    fn add(&mut self, entry: &'a JournalEntry) {
        match entry {
            JournalEntry::Audit(audit) => self.audits.push(audit.into()),
            JournalEntry::Redecided(audit) => self.redecided.push(audit),
            JournalEntry::Delivery { log, trace, dead_letter } => {
                self.deliveries.push(log.as_ref().into());
                self.traces.push(TraceDocument::new(log, trace));
                let letter = dead_letter.as_deref().map(|letter| DeadLetterDocument::new(letter, log));
                self.dead_letters.extend(letter);
            }
            JournalEntry::Retry { log, trace } => self.retries.push((log, trace)),
            JournalEntry::Seen(seen) => self.seen.push(seen),
            JournalEntry::Scheduled(delivery) => self.scheduled.push(delivery),
            JournalEntry::Cancellation(event) => self.cancellations.push(event),
        }
    }
}

impl MongoJournal {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    async fn schedule(&self, planned: &[&ScheduledDelivery], cancellations: &[&CancellationEvent]) -> Result<(), StoreError> {
        let deliveries = ScheduledDeliveries::new(self.database.clone());
        if !planned.is_empty() {
            deliveries.plan(planned).await?;
        }
        for event in cancellations {
            deliveries.cancel_earlier(event).await?;
        }
        Ok(())
    }

    async fn existing_in(&self, collection: &str, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        let found = try_join_all(logs.chunks(LOOKUP_CHUNK).map(|chunk| self.look_up(collection, chunk))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn look_up(&self, collection: &str, logs: &[LogId]) -> Result<Vec<LogId>, StoreError> {
        let ids: Vec<_> = logs.iter().map(|log| object_id(log.0)).collect();
        let collection = self.database.collection::<IdDocument>(collection);
        let find = collection.find(doc! { "_id": { "$in": ids } }).projection(doc! { "_id": 1 });
        let found = self.database.all(find).await?;
        Ok(found.into_iter().map(|recorded| LogId(recorded.id.bytes())).collect())
    }
}

#[async_trait]
impl Journal for MongoJournal {
    /// Dead letters come first: a delivery that has a log is not sent again, so its dead letter must exist by then.
    async fn record(&self, entries: &[JournalEntry]) -> Result<(), StoreError> {
        let SortedEntries {
            dead_letters,
            deliveries,
            traces,
            retries,
            audits,
            redecided,
            seen,
            scheduled,
            cancellations,
        } = SortedEntries::sort(entries);
        delivery_tallies::announce(&self.database, entries).await?;
        self.database.insert_once(DEAD_LETTERS, dead_letters).await?;
        tokio::try_join!(
            self.database.insert_once(DELIVERY_LOGS, deliveries),
            self.database.insert_once(EXECUTION_LOGS, traces),
            try_join_all(retries.into_iter().map(|(log, trace)| self.record_retry(log, trace))),
            self.database.insert_once(EVENT_AUDIT, audits),
            try_join_all(redecided.into_iter().map(|audit| event_audit::replace(&self.database, audit))),
            self.database.insert_once(PROCESSED_EVENTS, SeenChunk::pack(&seen)),
            self.schedule(&scheduled, &cancellations),
        )?;
        Ok(())
    }

    async fn recorded(&self, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        self.existing_in(DELIVERY_LOGS, logs).await
    }

    async fn scheduled(&self, rows: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        self.existing_in(SCHEDULED, rows).await
    }

    async fn decisions(&self, source: &SourceId, positions: &[RangeInclusive<Position>]) -> Result<Vec<EventAudit>, StoreError> {
        event_audit::decisions_at(&self.database, source, positions).await
    }

    async fn seen_since(&self, since: Timestamp) -> Result<Vec<SeenEvent>, StoreError> {
        processed_events::seen_since(&self.database, since).await
    }
}
