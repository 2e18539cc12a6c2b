//! Outbound integrations.

use ig_core::id::{EventType, IntegrationId, OrgId, Rid};
use ig_core::ports::StoreError;
use ig_documents::{HoldDocument, OutboundDocument, SchedulingConfig};
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use crate::configuration::{Configured, ItemSealer, StoredDocument, format, integration_id};
use crate::field::object_id;
use crate::names::INTEGRATIONS;
use crate::page::add_search;

/// The value of `direction` in these documents.
pub(crate) const DIRECTION: &str = "OUTBOUND";

/// Selects integrations; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntegrationFilter {
    /// Whether they are matched.
    pub is_active: Option<bool>,
    /// The exact event type (`*` selects those for every type).
    pub event_type: Option<EventType>,
    /// The entity that they are configured on.
    pub tenant_id: Option<Rid>,
    /// Part of the name or the target's URL.
    pub search: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Actions {
    #[serde(default)]
    actions: Vec<Document>,
}

/// Read access to outbound integrations.
pub type Integrations = Configured<OutboundDocument>;

impl Integrations {
    /// The number of requests that one event causes through an integration; `None` if it does not exist.
    ///
    /// This decrypts nothing, so the caller needs no key.
    pub async fn requests(&self, org: OrgId, id: IntegrationId) -> Result<Option<usize>, StoreError> {
        let integrations = self.database.collection::<Actions>(INTEGRATIONS);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0, "direction": DIRECTION };
        let found = integrations.find_one(filter).projection(doc! { "actions.name": 1 });
        let found = self.database.within(found).await?;
        Ok(found.map(|found| found.actions.len().max(1)))
    }
}

impl StoredDocument for OutboundDocument {
    type Filter = IntegrationFilter;

    const COLLECTION: &'static str = INTEGRATIONS;
    const DIRECTION: Option<&'static str> = Some(DIRECTION);
    const REQUIRED: &'static [&'static str] = &["isActive", "outgoingAuthType", "signing", "customHeaders"];
    /// It matches the same events, or more of them, and sends nothing.
    const STAND_INS: &'static [&'static [&'static str]] = &[
        &[
            "name",
            "eventType",
            "tenantId",
            "scope",
            "excludedEntityRids",
            "targetUrl",
            "httpMethod",
            "filter",
            "actions",
            "multiActionDelayMs",
            "timeoutMs",
            "retryCount",
            "ordering",
            "maxConcurrency",
            "rateLimits",
            "breaker",
            "logLevel",
            "schedulingMode",
            "schedulingConfig",
        ],
        &["name", "eventType", "tenantId", "scope", "excludedEntityRids", "targetUrl"],
        &["eventType", "tenantId", "scope"],
    ];

    fn key(_: OrgId, id: &IntegrationId) -> Bson {
        object_id(id.0).into()
    }

    fn conditions(filter: &IntegrationFilter) -> Document {
        let IntegrationFilter {
            is_active,
            event_type,
            tenant_id,
            search,
        } = filter;
        let mut conditions = Document::new();
        if let Some(is_active) = is_active {
            conditions.insert("isActive", is_active);
        }
        if let Some(event_type) = event_type {
            conditions.insert("eventType", event_type.as_str());
        }
        if let Some(tenant_id) = tenant_id {
            conditions.insert("tenantId", tenant_id.0);
        }
        add_search(&mut conditions, search.as_deref(), &["name", "targetUrl"]);
        conditions
    }

    fn id(stored: &Document) -> Result<IntegrationId, StoreError> {
        integration_id(stored)
    }

    fn upgrade(stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::upgrade_target(stored, sealer)?;
        format::upgrade_breaker(stored);
        format::upgrade_transformation(stored, "transformation", "");
        format::upgrade_actions(stored);
        format::upgrade_text::<SchedulingConfig>(stored, "schedulingConfig")
    }

    fn take_hold(&mut self) -> Option<HoldDocument> {
        self.hold.take()
    }
}
