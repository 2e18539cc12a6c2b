//! Inbound integrations: stored with all others, with the direction INBOUND.

mod client;
mod document;
mod timeouts;

use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::{InboundIntegration, RouteName};
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub(crate) use document::InboundDocument;

use crate::database::Database;
use crate::field::object_id;
use crate::found::Found;
use crate::names::INTEGRATIONS;
use crate::page::{Listed, Page, add_search};

/// The value of `direction` in these documents.
pub(crate) const DIRECTION: &str = "INBOUND";

/// Selects inbound integrations; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboundFilter {
    /// Whether they accept calls.
    pub is_active: Option<bool>,
    /// The `type` in the URL.
    pub route: Option<RouteName>,
    /// Part of the name, the type or the target's URL.
    pub search: Option<String>,
}

/// Read access to inbound integrations; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct InboundIntegrations {
    database: Database,
}

impl InboundIntegrations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whether an organisation has this inbound integration; decrypts nothing.
    pub async fn exists(&self, org: OrgId, id: IntegrationId) -> Result<bool, StoreError> {
        let integrations = self.database.collection::<Document>(INTEGRATIONS);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0, "direction": DIRECTION };
        let found = integrations.find_one(filter).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }

    /// Reads one of an organisation's inbound integrations.
    pub async fn get(&self, org: OrgId, id: IntegrationId) -> Result<Option<InboundIntegration>, StoreError> {
        let found = self.document(org, id).await?;
        found.map(|document| document.read(self.database.secrets())).transpose()
    }

    /// The same, where the item may be undecodable.
    pub async fn find(&self, org: OrgId, id: IntegrationId) -> Result<Option<Found<InboundIntegration>>, StoreError> {
        let found = self.document(org, id).await?;
        found.map(|document| self.found(document)).transpose()
    }

    async fn document(&self, org: OrgId, id: IntegrationId) -> Result<Option<InboundDocument>, StoreError> {
        let integrations = self.database.collection::<InboundDocument>(INTEGRATIONS);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0, "direction": DIRECTION };
        self.database.within(integrations.find_one(filter)).await
    }

    fn found(&self, document: InboundDocument) -> Result<Found<InboundIntegration>, StoreError> {
        Found::of(document.stands(), document.read(self.database.secrets()))
    }

    /// Lists an organisation's inbound integrations in the order of creation.
    pub async fn list(
        &self,
        org: OrgId,
        filter: &InboundFilter,
        page: Page,
    ) -> Result<Listed<Found<InboundIntegration>>, StoreError> {
        let InboundFilter {
            is_active,
            route,
            search,
        } = filter;
        let mut query = doc! { "orgId": org.0, "direction": DIRECTION };
        if let Some(is_active) = is_active {
            query.insert("isActive", is_active);
        }
        if let Some(route) = route {
            query.insert("type", route.as_str());
        }
        add_search(&mut query, search.as_deref(), &["name", "type", "targetUrl"]);
        let listed = self
            .database
            .page::<InboundDocument>(INTEGRATIONS, query, doc! { "_id": 1 }, None, page)
            .await?;
        listed.try_map(|document| self.found(document))
    }
}
