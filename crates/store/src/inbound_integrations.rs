//! Inbound integrations: stored with all others, with the direction INBOUND.

use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::{InboundIntegration, RouteName};
use ig_core::ports::StoreError;
use ig_documents::{HoldDocument, InboundDocument};
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{ItemSealer, StoredDocument, format, integration_id, stored_document};
use crate::database::Database;
use crate::error::unreadable;
use crate::field::object_id;
use crate::maybe_readable::MaybeReadable;
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
        stored_document::get::<InboundDocument>(&self.database, of(org, id)).await
    }

    /// The same, where the item may be undecodable.
    pub async fn find(&self, org: OrgId, id: IntegrationId) -> Result<Option<MaybeReadable<InboundIntegration>>, StoreError> {
        stored_document::find::<InboundDocument>(&self.database, of(org, id)).await
    }

    /// Lists an organisation's inbound integrations in the order of creation.
    pub async fn list(
        &self,
        org: OrgId,
        filter: &InboundFilter,
        page: Page,
    ) -> Result<Listed<MaybeReadable<InboundIntegration>>, StoreError> {
        let InboundFilter {
            is_active,
            route,
            search,
        } = filter;
        let mut query = doc! { "orgId": org.0 };
        if let Some(is_active) = is_active {
            query.insert("isActive", is_active);
        }
        if let Some(route) = route {
            query.insert("type", route.as_str());
        }
        add_search(&mut query, search.as_deref(), &["name", "type", "targetUrl"]);
        stored_document::list::<InboundDocument>(&self.database, query, page).await
    }
}

fn of(org: OrgId, id: IntegrationId) -> Document {
    doc! { "_id": object_id(id.0), "orgId": org.0 }
}

impl StoredDocument for InboundDocument {
    const COLLECTION: &'static str = INTEGRATIONS;
    const DIRECTION: Option<&'static str> = Some(DIRECTION);
    const REQUIRED: &'static [&'static str] = &[
        "isActive",
        "inboundAuthType",
        "allowedAddresses",
        "outgoingAuthType",
        "signing",
        "customHeaders",
    ];
    /// It matches the same calls and sends nothing.
    const STAND_INS: &'static [&'static [&'static str]] = &[
        &[
            "name",
            "type",
            "tenantId",
            "targetUrl",
            "httpMethod",
            "allowedMethods",
            "pathSuffix",
            "allowedAddresses",
            "timeouts",
            "retryCount",
            "maxConcurrency",
            "rateLimits",
            "breaker",
            "logLevel",
            "logging",
        ],
        &["type", "tenantId", "allowedMethods", "pathSuffix"],
        &["type", "tenantId"],
    ];

    fn key(item: &InboundIntegration) -> Bson {
        object_id(item.id.0).into()
    }

    fn id(stored: &Document) -> Result<IntegrationId, StoreError> {
        integration_id(stored)
    }

    fn upgrade(stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::upgrade_target(stored, sealer)?;
        format::upgrade_breaker(stored);
        format::upgrade_transformation(stored, "request", "request");
        format::upgrade_transformation(stored, "response", "response");
        if let Some(methods) = stored.remove("httpMethods") {
            stored.insert("allowedMethods", methods);
        }
        if let Ok(clients) = stored.get_document_mut("inboundAuthConfig")
            && let Some(tolerance) = clients.remove("toleranceMs")
        {
            let millis = tolerance.as_i64().ok_or_else(|| unreadable("inboundAuthConfig"))?;
            clients.insert("toleranceSeconds", millis / 1_000);
        }
        Ok(())
    }

    fn take_hold(&mut self) -> Option<HoldDocument> {
        self.hold.take()
    }
}
