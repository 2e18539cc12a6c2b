//! Which deliveries and traces are listed.

use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryStatus, Direction};
use ig_core::id::{EventId, EventType, IntegrationId, OrgId};
use mongodb::bson::{Document, doc};

use crate::field::{date, object_id};
use crate::page::add_search;

/// Which deliveries or traces are listed; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Where they stand.
    pub status: Option<DeliveryStatus>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// What they are for.
    pub integration_id: Option<IntegrationId>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// The message's identifier.
    pub message_id: Option<String>,
    /// The trace they belong to.
    pub trace_id: Option<String>,
    /// What ties them to other systems' logs; traces do not have it.
    pub correlation_id: Option<String>,
    /// Which way they go.
    pub direction: Option<Direction>,
    /// Taken up at this moment or later.
    pub start: Option<Timestamp>,
    /// Taken up before this moment.
    pub end: Option<Timestamp>,
    /// Part of the integration's name, the address, the error or the event's identifier.
    pub search: Option<String>,
}

impl LogFilter {
    pub(crate) fn query(&self, org: OrgId) -> Document {
        let Self {
            status,
            event_type,
            integration_id,
            event_id,
            message_id,
            trace_id,
            correlation_id,
            direction,
            start,
            end,
            search,
        } = self;
        let texts = [
            ("status", status.map(DeliveryStatus::as_str)),
            ("eventType", event_type.as_ref().map(EventType::as_str)),
            ("eventId", event_id.as_ref().map(EventId::as_str)),
            ("messageId", message_id.as_deref()),
            ("traceId", trace_id.as_deref()),
            ("correlationId", correlation_id.as_deref()),
            ("direction", direction.map(Direction::as_str)),
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
            &["integrationName", "targetUrl", "errorMessage", "eventId"],
        );
        query
    }
}

/// Bounds `createdAt` on the sides that are given.
pub(crate) fn add_period(query: &mut Document, start: Option<Timestamp>, end: Option<Timestamp>) {
    let mut period = Document::new();
    if let Some(start) = start {
        period.insert("$gte", date(start));
    }
    if let Some(end) = end {
        period.insert("$lt", date(end));
    }
    if !period.is_empty() {
        query.insert("createdAt", period);
    }
}
