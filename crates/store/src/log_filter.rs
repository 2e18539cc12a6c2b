//! Which deliveries and traces are listed.

use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryStatus, Direction};
use ig_core::id::{EventId, EventType, IntegrationId, OrgId};
use mongodb::bson::{Document, doc};

use crate::page::{Period, add_event, add_integration, add_period, add_search, event_names, org_filter};

/// Selects deliveries or traces; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Their status.
    pub status: Option<DeliveryStatus>,
    /// The event's type.
    pub event_type: Option<EventType>,
    /// Their integration.
    pub integration_id: Option<IntegrationId>,
    /// The event's identifier within its source.
    pub event_id: Option<EventId>,
    /// The message's identifier.
    pub message_id: Option<String>,
    /// Their trace.
    pub trace_id: Option<String>,
    /// The correlation id that they share with other systems' logs.
    pub correlation_id: Option<String>,
    /// Their direction.
    pub direction: Option<Direction>,
    /// Started at this time or later.
    pub start: Option<Timestamp>,
    /// Started before this time.
    pub end: Option<Timestamp>,
    /// Part of the integration's name, the URL, the error or the event's identifier.
    pub search: Option<String>,
}

impl LogFilter {
    /// The conditions without time and correlation id; `name` covers the latter.
    pub(crate) fn query(&self, org: OrgId) -> Document {
        let Self {
            status,
            event_type,
            integration_id,
            event_id,
            message_id,
            trace_id,
            correlation_id: _,
            direction,
            start: _,
            end: _,
            search,
        } = self;
        let texts = [
            ("status", status.map(DeliveryStatus::as_str)),
            ("eventType", event_type.as_ref().map(EventType::as_str)),
            ("messageId", message_id.as_deref()),
            ("traceId", trace_id.as_deref()),
            ("direction", direction.map(Direction::as_str)),
        ];
        let mut query = org_filter(org.0, texts);
        add_event(&mut query, "eventId", org, event_id.as_ref());
        add_integration(&mut query, *integration_id);
        add_search(
            &mut query,
            search.as_deref(),
            &["integrationName", "targetUrl", "errorMessage", "eventId"],
        );
        query
    }

    /// The condition that identifies single deliveries, if there is one.
    pub(crate) fn name(&self, org: OrgId) -> Option<Document> {
        if let Some(correlation) = &self.correlation_id {
            return Some(correlated(correlation));
        }
        let names = [("messageId", &self.message_id), ("traceId", &self.trace_id)];
        if let Some((field, name)) = names.into_iter().find_map(|(field, name)| Some((field, name.as_deref()?))) {
            return Some(doc! { field: name });
        }
        self.event_id
            .as_ref()
            .map(|event| doc! { "eventId": event_names(org, event) })
    }

    /// The period of the search.
    pub(crate) fn period(&self) -> Period {
        Period {
            start: self.start,
            end: self.end,
        }
    }

    /// All conditions, time included.
    pub(crate) fn timed_query(&self, org: OrgId) -> Document {
        let mut query = self.query(org);
        add_period(&mut query, "createdAt", self.start, self.end);
        query
    }
}

/// Matches a correlation id: most deliveries take their trace id as such.
fn correlated(correlation: &str) -> Document {
    let by_trace = doc! { "traceId": correlation, "correlationId": null };
    doc! { "$or": [{ "correlationId": correlation }, by_trace] }
}
