//! Deliveries whose time is yet to come.
//!
//! `scheduledFor` is a delivery's time as people see it. `dueAt` is when somebody has to take care of it next, and is there as long as
//! somebody has to: it begins as the same moment, a claim moves it to the end of the claim's lease, and who has seen the delivery to its
//! end takes it away. So one index tells what is due, a claim that is over is due again by itself, and no query looks at what has ended.

mod call_offs;
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
    Listed, Named, Page, Period, Sought, Time, add_event, add_integration, add_period, add_search, event_names, exactly,
};

/// The time by which they are listed.
const TIME: Time = Time::Any("scheduledFor");

/// Which scheduled deliveries are listed; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduledFilter {
    /// Where they stand.
    pub status: Option<ScheduledStatus>,
    /// What they are for.
    pub integration_id: Option<IntegrationId>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// Scheduled for this moment or later.
    pub start: Option<Timestamp>,
    /// Scheduled for a time before this moment.
    pub end: Option<Timestamp>,
    /// Part of the integration's name, the address or the event's identifier.
    pub search: Option<String>,
}

/// What came of a change that a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// The organisation has no such delivery.
    NotFound,
    /// It has ended already, and how.
    Ended(ScheduledStatus),
    /// It is being delivered just now.
    UnderWay,
}

/// For how long a delivery is kept when it has ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptFor {
    keep_for_ms: i64,
}

/// The scheduled deliveries.
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

    /// One of an organisation's scheduled deliveries.
    pub async fn get(&self, org: OrgId, id: ScheduledId) -> Result<Option<ScheduledDelivery>, StoreError> {
        let rows = self.rows::<ScheduledDocument<'static>>();
        self.database
            .within(rows.find_one(of(org, id)))
            .await?
            .map(ScheduledDelivery::try_from)
            .transpose()
    }

    /// An organisation's scheduled deliveries, those of the latest time first, their payloads left empty; many are counted no further than
    /// needed.
    pub async fn list(&self, org: OrgId, filter: &ScheduledFilter, page: Page) -> Result<Listed<ScheduledDelivery>, StoreError> {
        let without_payload = Some(doc! { "payload": 0 });
        let mut query = query(org, filter);
        let listed = if let Some(event) = &filter.event_id {
            add_period(&mut query, "scheduledFor", filter.start, filter.end);
            let named = Named {
                collection: SCHEDULED,
                name: doc! { "originalEventId": event_names(org, event) },
                query,
                order: TIME.order(),
                without: without_payload,
            };
            self.database.named::<ScheduledDocument<'static>>(named, page).await?
        } else {
            let sought = Sought {
                collection: SCHEDULED,
                query,
                keys: if filter.status.is_some() {
                    &["orgId", "status"]
                } else {
                    &["orgId"]
                },
                time: TIME,
                period: Period {
                    start: filter.start,
                    end: filter.end,
                },
                without: without_payload,
            };
            self.database.latest::<ScheduledDocument<'static>>(sought, page).await?
        };
        listed.try_map(ScheduledDelivery::try_from)
    }

    /// Calls off what is pending. What is being delivered just now may still arrive; it does not occur again.
    pub async fn cancel(&self, org: OrgId, id: ScheduledId, reason: &str, now: Timestamp) -> Result<Changed, StoreError> {
        let Some(delivery) = self.get(org, id).await? else {
            return Ok(Changed::NotFound);
        };
        let set = cancelled(&by_no_event(reason, now), delivery.keep_for)?;
        self.change(org, id, pending(org, id), set).await
    }

    /// Calls off everything that is pending for an integration, or for all of an organisation's. What was planned by a worker that did
    /// not know yet is called off when it is due.
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
        let rows = self.rows::<KeptFor>();
        let which = doc! { "keepForMs": 1 };
        // All that are kept for equally long are called off at once.
        while let Some(KeptFor { keep_for_ms }) = self
            .database
            .within(rows.find_one(pending.clone()).projection(which.clone()))
            .await?
        {
            let mut alike = pending.clone();
            alike.insert("keepForMs", keep_for_ms);
            let set = cancelled(&by_no_event(reason, now), Duration::from_millis(unsigned(keep_for_ms)))?;
            self.database.within(rows.update_many(alike, set)).await?;
        }
        Ok(())
    }

    /// Gives what is pending another time.
    pub async fn reschedule(&self, org: OrgId, id: ScheduledId, at: Timestamp, now: Timestamp) -> Result<Changed, StoreError> {
        let mut free = pending(org, id);
        free.insert("$or", vec![doc! { "claimId": null }, doc! { "dueAt": { "$lte": date(now) } }]);
        let set = doc! {
            "$set": { "scheduledFor": date(at), "dueAt": date(at), "updatedAt": date(now) },
            "$unset": { "claimId": "" },
        };
        self.change(org, id, free, set).await
    }

    async fn change(&self, org: OrgId, id: ScheduledId, guard: Document, set: Document) -> Result<Changed, StoreError> {
        let rows = self.rows::<Document>();
        if self.database.within(rows.update_one(guard, set)).await?.matched_count > 0 {
            return Ok(Changed::Done);
        }
        Ok(match self.get(org, id).await? {
            None => Changed::NotFound,
            Some(delivery) if delivery.status == ScheduledStatus::Pending => Changed::UnderWay,
            Some(delivery) => Changed::Ended(delivery.status),
        })
    }
}

/// Made by a person, or because of what has become of something else.
fn by_no_event(reason: &str, now: Timestamp) -> Cancellation {
    Cancellation {
        reason: reason.to_owned(),
        event: None,
        at: now,
    }
}

/// The change that calls off what is pending: nobody has to take care of it any more.
fn cancelled(cancellation: &Cancellation, keep_for: Duration) -> Result<Document, StoreError> {
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

fn of(org: OrgId, id: ScheduledId) -> Document {
    doc! { "_id": object_id(id.0), "orgId": org.0 }
}

fn pending(org: OrgId, id: ScheduledId) -> Document {
    let mut guard = of(org, id);
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
    let mut query = exactly(org.0, texts);
    add_event(&mut query, "originalEventId", org, event_id.as_ref());
    add_integration(&mut query, *integration_id);
    add_search(
        &mut query,
        search.as_deref(),
        &["integrationName", "targetUrl", "originalEventId"],
    );
    query
}
