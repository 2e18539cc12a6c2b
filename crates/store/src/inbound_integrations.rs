//! Inbound integrations: stored with all others, with the direction INBOUND.

use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::RouteName;
use ig_core::ports::StoreError;
use ig_documents::{HoldDocument, InboundDocument};
use mongodb::bson::{Bson, Document};

use crate::configuration::{Configured, ItemSealer, StoredDocument, format, integration_id};
use crate::error::unreadable;
use crate::field::object_id;
use crate::names::INTEGRATIONS;
use crate::page::add_search;

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

/// Read access to inbound integrations.
pub type InboundIntegrations = Configured<InboundDocument>;

impl StoredDocument for InboundDocument {
    type Filter = InboundFilter;

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

    fn key(_: OrgId, id: &IntegrationId) -> Bson {
        object_id(id.0).into()
    }

    fn conditions(filter: &InboundFilter) -> Document {
        let InboundFilter {
            is_active,
            route,
            search,
        } = filter;
        let mut conditions = Document::new();
        if let Some(is_active) = is_active {
            conditions.insert("isActive", is_active);
        }
        if let Some(route) = route {
            conditions.insert("type", route.as_str());
        }
        add_search(&mut conditions, search.as_deref(), &["name", "type", "targetUrl"]);
        conditions
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
