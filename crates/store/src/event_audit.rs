//! The decision about each event.

mod document;

use std::ops::RangeInclusive;

use ig_core::audit::{DecisionStatus, EventAudit, SkipReason};
use ig_core::clock::Timestamp;
use ig_core::id::{EventId, EventType, OrgId, Position, SourceId};
use ig_core::ports::{MAX_DECISIONS, StoreError};
use mongodb::bson::{Bson, Document, doc};

pub(crate) use document::AuditDocument;

use crate::database::Database;
use crate::names::EVENT_AUDIT;
use crate::page::{IdentifierSearch, Listed, Page, Period, SortTime, TimedSearch, add_event, add_period, org_filter};

/// The most ranges of positions in one query.
const RANGES_AT_ONCE: usize = 100;

/// Selects decisions; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The events' source.
    pub source: Option<SourceId>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// The decision.
    pub status: Option<DecisionStatus>,
    /// Why the event was skipped.
    pub reason: Option<SkipReason>,
    /// Decided at this time or later.
    pub start: Option<Timestamp>,
    /// Decided before this time.
    pub end: Option<Timestamp>,
}

/// Read access to the decisions about events; the journal writes them.
#[derive(Debug, Clone)]
pub struct EventAudits {
    database: Database,
}

impl EventAudits {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Lists the decisions about an organisation's events, newest first; with `None`, those about events of no known
    /// organisation, for administrators only.
    pub async fn list(&self, org: Option<OrgId>, filter: &AuditFilter, page: Page) -> Result<Listed<EventAudit>, StoreError> {
        let without_time = query(org, filter);
        if let Some(name) = without_time.get("eventId") {
            let name = doc! { "eventId": name.clone() };
            let mut query = without_time;
            add_period(&mut query, "createdAt", filter.start, filter.end);
            let search = IdentifierSearch {
                collection: EVENT_AUDIT,
                name,
                query,
                order: SortTime::CREATED.order(),
                without: None,
            };
            let found = self.database.by_identifier::<AuditDocument<'static>>(search, page).await?;
            return found.try_map(EventAudit::try_from);
        }
        let search = TimedSearch {
            collection: EVENT_AUDIT,
            query: without_time,
            keys: &["orgId"],
            time: SortTime::CREATED,
            period: Period {
                start: filter.start,
                end: filter.end,
            },
            without: None,
        };
        let listed = self.database.latest::<AuditDocument<'static>>(search, page).await?;
        listed.try_map(EventAudit::try_from)
    }
}

/// The first decisions about a source's events at these positions, which must be ascending.
pub(crate) async fn decisions_at(
    database: &Database,
    source: &SourceId,
    positions: &[RangeInclusive<Position>],
) -> Result<Vec<EventAudit>, StoreError> {
    let mut decided = Vec::new();
    let shares_order = |one: &RangeInclusive<Position>, next: &RangeInclusive<Position>| {
        let beyond = document::beyond_identifier(*one.start());
        [*one.end(), *next.start(), *next.end()]
            .into_iter()
            .all(|position| document::beyond_identifier(position) == beyond)
    };
    for some in positions.chunk_by(shares_order).flat_map(|some| some.chunks(RANGES_AT_ONCE)) {
        let left = MAX_DECISIONS - decided.len();
        if left == 0 {
            break;
        }
        let within: Vec<_> = some.iter().map(document::within).collect();
        let collection = database.collection::<AuditDocument<'static>>(EVENT_AUDIT);
        let is_in_order = some.iter().all(|range| shares_order(range, range));
        let order = if is_in_order {
            doc! { "_id": 1 }
        } else {
            doc! { "position": 1 }
        };
        let find = collection
            .find(doc! { "source": source.as_str(), "$or": within })
            .sort(order)
            .limit(i64::try_from(left).unwrap_or(i64::MAX));
        let found = database.all(find).await?.into_iter().map(EventAudit::try_from);
        decided.append(&mut found.collect::<Result<_, _>>()?);
    }
    Ok(decided)
}

/// Replaces an earlier decision about the same event.
pub(crate) async fn replace(database: &Database, audit: &EventAudit) -> Result<(), StoreError> {
    let document = AuditDocument::from(audit);
    let collection = database.collection::<AuditDocument<'_>>(EVENT_AUDIT);
    let replaced = collection.replace_one(doc! { "_id": document.id }, &document).upsert(true);
    database.within(replaced).await?;
    Ok(())
}

fn query(org: Option<OrgId>, filter: &AuditFilter) -> Document {
    let AuditFilter {
        source,
        event_id,
        event_type,
        status,
        reason,
        start: _,
        end: _,
    } = filter;
    let texts = [
        ("source", source.as_ref().map(SourceId::as_str)),
        ("eventType", event_type.as_ref().map(EventType::as_str)),
        ("status", status.map(DecisionStatus::as_str)),
        ("reason", reason.map(SkipReason::as_str)),
    ];
    let mut query = org_filter(org.map_or(Bson::Null, |org| org.0.into()), texts);
    if let Some(org) = org {
        add_event(&mut query, "eventId", org, event_id.as_ref());
    } else if let Some(event) = event_id {
        // Pushed events always have an organisation, so none of these was pushed.
        query.insert("eventId", event.as_str());
    }
    query
}
