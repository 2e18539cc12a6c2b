//! Scheduled deliveries.
//!
//! `scheduledFor` is a delivery's time as people see it. `dueAt` is when a process has to handle it next, and exists as
//! long as one has to: it starts out as the same time, a claim moves it to the end of the claim's lease, and the end of
//! the delivery removes it. So one index finds what is due, an expired claim is due again by itself, and no query reads
//! finished deliveries.

mod cancellation_events;
mod claims;
mod document;
mod pending;
mod plan;

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::id::{EventId, EventType, IntegrationId, OrgId, ScheduledId};
use ig_core::ports::StoreError;
use ig_core::scheduled::{Cancellation, ScheduledDelivery, ScheduledStatus};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

pub use claims::DeliveryClaim;
pub use pending::PendingDeliveries;

use document::{CancellationDocument, ScheduledDocument};

use crate::database::{Database, Documents};
use crate::field::{date, object_id, unsigned};
use crate::names::SCHEDULED;
use crate::page::{
    IdentifierSearch, Listed, Page, Period, SortTime, TimedSearch, add_event, add_integration, add_period, add_search,
    event_names, org_filter,
};

/// The time that lists are sorted by.
const SORT_TIME: SortTime = SortTime::Any("scheduledFor");

/// Selects scheduled deliveries; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduledFilter {
    /// Their status.
    pub status: Option<ScheduledStatus>,
    /// Their integration.
    pub integration_id: Option<IntegrationId>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// Scheduled for this time or later.
    pub start: Option<Timestamp>,
    /// Scheduled before this time.
    pub end: Option<Timestamp>,
    /// Part of the integration's name, the URL or the event's identifier.
    pub search: Option<String>,
}

/// The result of a change that a person requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The change was made.
    Done,
    /// The organisation has no such delivery.
    NotFound,
    /// The delivery has already ended with this status.
    Ended(ScheduledStatus),
    /// The delivery is under way.
    UnderWay,
}

/// The retention of a delivery after its end.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionDocument {
    keep_for_ms: i64,
}

/// The repository of scheduled deliveries.
#[derive(Debug, Clone)]
pub struct ScheduledDeliveries {
    database: Database,
}

impl ScheduledDeliveries {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    fn rows<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(SCHEDULED)
    }

    /// Reads one of an organisation's scheduled deliveries.
    pub async fn get(&self, org: OrgId, id: ScheduledId) -> Result<Option<ScheduledDelivery>, StoreError> {
        let rows = self.rows::<ScheduledDocument<'static>>();
        self.database
            .within(rows.find_one(id_filter(org, id)))
            .await?
            .map(ScheduledDelivery::try_from)
            .transpose()
    }

    /// Lists an organisation's scheduled deliveries, latest time first, without payloads; a large total is counted only
    /// as far as needed.
    pub async fn list(&self, org: OrgId, filter: &ScheduledFilter, page: Page) -> Result<Listed<ScheduledDelivery>, StoreError> {
        let without_payload = Some(doc! { "payload": 0 });
        let mut query = query(org, filter);
        let listed = if let Some(event) = &filter.event_id {
            add_period(&mut query, "scheduledFor", filter.start, filter.end);
            let search = IdentifierSearch {
                collection: SCHEDULED,
                name: doc! { "originalEventId": event_names(org, event) },
                query,
                order: SORT_TIME.order(),
                without: without_payload,
            };
            self.database
                .by_identifier::<ScheduledDocument<'static>>(search, page)
                .await?
        } else {
            let search = TimedSearch {
                collection: SCHEDULED,
                query,
                keys: if filter.status.is_some() {
                    &["orgId", "status"]
                } else {
                    &["orgId"]
                },
                time: SORT_TIME,
                period: Period {
                    start: filter.start,
                    end: filter.end,
                },
                without: without_payload,
            };
            self.database.latest::<ScheduledDocument<'static>>(search, page).await?
        };
        listed.try_map(ScheduledDelivery::try_from)
    }

    /// Cancels a pending delivery. An attempt that is under way may still arrive; it is not repeated.
    pub async fn cancel(&self, org: OrgId, id: ScheduledId, reason: &str, now: Timestamp) -> Result<ChangeOutcome, StoreError> {
        let Some(delivery) = self.get(org, id).await? else {
            return Ok(ChangeOutcome::NotFound);
        };
        let set = cancelled_update(&manual_cancellation(reason, now), delivery.keep_for)?;
        self.change(org, id, pending_filter(org, id), set).await
    }

    /// Cancels all pending deliveries of an integration, or of an organisation. A worker that did not know yet may
    /// still plan more; those are cancelled when they are due.
    pub async fn cancel_all(
        &self,
        org: OrgId,
        integration: Option<IntegrationId>,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut pending = doc! { "orgId": org.0, "status": ScheduledStatus::Pending.as_str() };
        if let Some(integration) = integration {
            pending.insert("integrationConfigId", object_id(integration.0));
        }
        let rows = self.rows::<RetentionDocument>();
        let which = doc! { "keepForMs": 1 };
        // One write for all deliveries with the same retention.
        while let Some(RetentionDocument { keep_for_ms }) = self
            .database
            .within(rows.find_one(pending.clone()).projection(which.clone()))
            .await?
        {
            let mut same_retention = pending.clone();
            same_retention.insert("keepForMs", keep_for_ms);
            let set = cancelled_update(
                &manual_cancellation(reason, now),
                Duration::from_millis(unsigned(keep_for_ms)),
            )?;
            self.database.within(rows.update_many(same_retention, set)).await?;
        }
        Ok(())
    }

    /// Moves a pending delivery to another time.
    pub async fn reschedule(
        &self,
        org: OrgId,
        id: ScheduledId,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<ChangeOutcome, StoreError> {
        let mut free = pending_filter(org, id);
        free.insert("$or", vec![doc! { "claimId": null }, doc! { "dueAt": { "$lte": date(now) } }]);
        let set = doc! {
            "$set": { "scheduledFor": date(at), "dueAt": date(at), "updatedAt": date(now) },
            "$unset": { "claimId": "" },
        };
        self.change(org, id, free, set).await
    }

    async fn change(&self, org: OrgId, id: ScheduledId, guard: Document, set: Document) -> Result<ChangeOutcome, StoreError> {
        let rows = self.rows::<Document>();
        if self.database.within(rows.update_one(guard, set)).await?.matched_count > 0 {
            return Ok(ChangeOutcome::Done);
        }
        Ok(match self.get(org, id).await? {
            None => ChangeOutcome::NotFound,
            Some(delivery) if delivery.status == ScheduledStatus::Pending => ChangeOutcome::UnderWay,
            Some(delivery) => ChangeOutcome::Ended(delivery.status),
        })
    }
}

/// A cancellation by a person, or as the consequence of another change.
fn manual_cancellation(reason: &str, now: Timestamp) -> Cancellation {
    Cancellation {
        reason: reason.to_owned(),
        event: None,
        at: now,
    }
}

/// The update that cancels a pending delivery: no process has to handle it any more.
fn cancelled_update(cancellation: &Cancellation, keep_for: Duration) -> Result<Document, StoreError> {
    Ok(doc! {
        "$set": {
            "status": ScheduledStatus::Cancelled.as_str(),
            "cancellationInfo": CancellationDocument::from(cancellation).to_bson()?,
            "updatedAt": date(cancellation.at),
            "expiresAt": date(cancellation.at + keep_for),
        },
        "$unset": { "dueAt": "", "claimId": "" },
    })
}

fn id_filter(org: OrgId, id: ScheduledId) -> Document {
    doc! { "_id": object_id(id.0), "orgId": org.0 }
}

fn pending_filter(org: OrgId, id: ScheduledId) -> Document {
    let mut guard = id_filter(org, id);
    guard.insert("status", ScheduledStatus::Pending.as_str());
    guard
}

fn query(org: OrgId, filter: &ScheduledFilter) -> Document {
    let ScheduledFilter {
        status,
        integration_id,
        event_type,
        event_id,
        start: _,
        end: _,
        search,
    } = filter;
    let texts = [
        ("status", status.map(ScheduledStatus::as_str)),
        ("eventType", event_type.as_ref().map(EventType::as_str)),
    ];
    let mut query = org_filter(org.0, texts);
    add_event(&mut query, "originalEventId", org, event_id.as_ref());
    add_integration(&mut query, *integration_id);
    add_search(
        &mut query,
        search.as_deref(),
        &["integrationName", "targetUrl", "originalEventId"],
    );
    query
}
