//! Which deliveries are counted.

use ig_core::calendar::Period;
use ig_core::id::{EventType, IntegrationId};
use mongodb::bson::{Document, doc};

use crate::field::object_id;
use crate::orgs::Orgs;
use crate::page::add_period;

/// Selects deliveries by start time and organisation, and optionally by integration or event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryScope {
    /// Their organisations.
    pub orgs: Orgs,
    /// When they started.
    pub period: Period,
    /// Their integration.
    pub integration_id: Option<IntegrationId>,
    /// The event's type.
    pub event_type: Option<EventType>,
}

impl DeliveryScope {
    /// All deliveries of a period.
    pub fn all(orgs: Orgs, period: Period) -> Self {
        Self {
            orgs,
            period,
            integration_id: None,
            event_type: None,
        }
    }

    pub(super) fn query(&self) -> Document {
        let Self {
            orgs,
            period,
            integration_id,
            event_type,
        } = self;
        let mut query = doc! { "orgId": orgs.condition() };
        if let Some(id) = integration_id {
            query.insert("integrationConfigId", object_id(id.0));
        }
        if let Some(event_type) = event_type {
            query.insert("eventType", event_type.as_str());
        }
        add_period(&mut query, "createdAt", Some(period.start()), Some(period.end()));
        query
    }

    /// The index with the narrowest range; `None` where there is only one candidate.
    pub(super) fn index(&self) -> Option<Document> {
        let first = match (self.integration_id, &self.event_type) {
            (Some(_), _) => "integrationConfigId",
            (None, None) if self.orgs.is_one() => return None,
            (None, _) => "orgId",
        };
        Some(doc! { first: 1, "createdAt": -1, "_id": -1 })
    }
}
