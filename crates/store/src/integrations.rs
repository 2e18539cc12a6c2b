//! Outbound integrations.

mod action;
mod auth;
mod condition;
mod conduct;
mod document;
mod lookup;
mod mapping;
mod schedule;
mod words;

use ig_core::id::{EventType, IntegrationId, OrgId, Rid};
use ig_core::integration::Integration;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};
use serde::Deserialize;

pub(crate) use action::TargetDocument;
pub(crate) use auth::{AuthDocument, HeadersDocument, Sealer};
pub(crate) use conduct::{HoldDocument, RateLimitDocument, read_breaker};
pub(crate) use document::IntegrationDocument;
pub(crate) use mapping::TransformationDocument;
pub(crate) use words::{destination, log_level, read_log_level, target};

use crate::database::Database;
use crate::field::object_id;
use crate::found::Found;
use crate::names::INTEGRATIONS;
use crate::page::{Listed, Page, add_search};

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

/// Read access to outbound integrations; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct Integrations {
    database: Database,
}

impl Integrations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's integrations.
    pub async fn get(&self, org: OrgId, id: IntegrationId) -> Result<Option<Integration>, StoreError> {
        let found = self.document(org, id).await?;
        found.map(|document| document.read(self.database.secrets())).transpose()
    }

    /// The same, where the item may be undecodable.
    pub async fn find(&self, org: OrgId, id: IntegrationId) -> Result<Option<Found<Integration>>, StoreError> {
        let found = self.document(org, id).await?;
        found.map(|document| self.found(document)).transpose()
    }

    async fn document(&self, org: OrgId, id: IntegrationId) -> Result<Option<IntegrationDocument>, StoreError> {
        let integrations = self.database.collection::<IntegrationDocument>(INTEGRATIONS);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0, "direction": DIRECTION };
        self.database.within(integrations.find_one(filter)).await
    }

    fn found(&self, document: IntegrationDocument) -> Result<Found<Integration>, StoreError> {
        Found::of(document.stands(), document.read(self.database.secrets()))
    }

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

    /// Lists an organisation's integrations in the order of their ids, which is the order of creation.
    pub async fn list(
        &self,
        org: OrgId,
        filter: &IntegrationFilter,
        page: Page,
    ) -> Result<Listed<Found<Integration>>, StoreError> {
        let filter = query(org, filter);
        let listed = self
            .database
            .page::<IntegrationDocument>(INTEGRATIONS, filter, doc! { "_id": 1 }, None, page)
            .await?;
        listed.try_map(|document| self.found(document))
    }
}

fn query(org: OrgId, filter: &IntegrationFilter) -> Document {
    let IntegrationFilter {
        is_active,
        event_type,
        tenant_id,
        search,
    } = filter;
    let mut query = doc! { "orgId": org.0, "direction": DIRECTION };
    if let Some(is_active) = is_active {
        query.insert("isActive", is_active);
    }
    if let Some(event_type) = event_type {
        query.insert("eventType", event_type.as_str());
    }
    if let Some(tenant_id) = tenant_id {
        query.insert("tenantId", tenant_id.0);
    }
    add_search(&mut query, search.as_deref(), &["name", "targetUrl"]);
    query
}
