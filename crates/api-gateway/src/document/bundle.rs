//! An organisation's configuration as one declarative document, and what applying one changes.

use ig_core::id::OrgId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::history::Difference;
use super::{EventTypeDocument, InboundDocument, JobDocument, OutboundIntegration, TemplateDocument};
use crate::body::shaped;

/// What an organisation has configured, as one document. Things are known by their names: an event type by `eventType`, an inbound
/// integration by `type`, all others by `name`. Secrets are masked; a mask keeps what the thing of that name has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Configuration)]
pub(crate) struct ConfigurationDocument {
    /// The form of the document: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub version: u32,
    /// The organisation that it was exported from; another may have it applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// Event types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub event_types: Option<Vec<EventTypeDocument>>,
    /// Templates that are not built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub templates: Option<Vec<TemplateDocument>>,
    /// Outbound integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub outbound_integrations: Option<Vec<OutboundIntegration>>,
    /// Inbound integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub inbound_integrations: Option<Vec<InboundDocument>>,
    /// Scheduled jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub scheduled_jobs: Option<Vec<JobDocument>>,
}
shaped!(ConfigurationDocument);

/// What applying a document changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigurationPlan {
    /// Names exactly these changes: sent back, it has them made and no others.
    pub plan: String,
    /// Whether they were made.
    pub applied: bool,
    /// The changes, in the order of their making.
    pub changes: Vec<PlannedChange>,
    /// How many things are as the document says already.
    pub unchanged: u64,
}

/// One change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedChange {
    /// CREATE, UPDATE or DELETE.
    pub action: &'static str,
    /// The part of the document, such as `outboundIntegrations`.
    pub kind: &'static str,
    /// What it is known by.
    pub name: String,
    /// The identifier of what is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where an UPDATE changes it; secrets are masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl ConfigurationDocument {
    /// The document of an organisation of which nothing is said yet.
    pub(crate) fn of(org: OrgId) -> Self {
        Self {
            version: 1,
            org_id: Some(org.0),
            event_types: None,
            templates: None,
            outbound_integrations: None,
            inbound_integrations: None,
            scheduled_jobs: None,
        }
    }
}

/// What the gateway writes by itself, and what a document that is known by names leaves out.
const WRITTEN: [&str; 8] = [
    "id",
    "orgId",
    "builtIn",
    "hold",
    "revision",
    "createdAt",
    "updatedAt",
    "tenantId",
];

/// A thing without what the gateway writes by itself; its unit stays, the organisation is wherever the document is applied.
pub(crate) fn declared(mut value: Value, org: OrgId) -> Value {
    let own_unit = value.get("tenantId").filter(|tenant| **tenant != org.0).cloned();
    for field in WRITTEN {
        super::forget(&mut value, field);
    }
    if let (Some(unit), Some(object)) = (own_unit, value.as_object_mut()) {
        object.insert("tenantId".to_owned(), unit);
    }
    value
}
