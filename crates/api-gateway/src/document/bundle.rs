//! An organisation's configuration as one declarative document, and the plan of changes that applying it makes.

use ig_core::id::OrgId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::history::Difference;
use super::{EventTypeDocument, InboundDocument, JobDocument, OutboundDocument, TemplateDocument};
use crate::body::validated;

/// An organisation's configuration as one document. Names identify its resources: `eventType` an event type, `type` an inbound
/// integration, and `name` all others. Secrets are masked; a mask keeps the secret of the resource with that name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Configuration)]
pub(crate) struct ConfigurationDocument {
    /// The format version of the document: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub version: u32,
    /// The organisation that the document was exported from. It can be applied to another organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// The event types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub event_types: Option<Vec<EventTypeDocument>>,
    /// The templates, without the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub templates: Option<Vec<TemplateDocument>>,
    /// The outbound integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub outbound_integrations: Option<Vec<OutboundDocument>>,
    /// The inbound integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub inbound_integrations: Option<Vec<InboundDocument>>,
    /// The scheduled jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 10_000)]
    pub scheduled_jobs: Option<Vec<JobDocument>>,
}
validated!(ConfigurationDocument);

/// The changes that applying a document makes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigurationPlan {
    /// A fingerprint of these changes. A client that sends it back applies exactly these changes and no others.
    pub plan: String,
    /// Whether the changes were applied.
    pub applied: bool,
    /// The changes, in the order in which they are applied.
    pub changes: Vec<PlannedChange>,
    /// How many resources match the document already.
    pub unchanged: u64,
}

/// One change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedChange {
    /// CREATE, UPDATE or DELETE.
    pub action: &'static str,
    /// The section of the document, such as `outboundIntegrations`.
    pub kind: &'static str,
    /// The name that identifies the resource.
    pub name: String,
    /// The identifier of the existing resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What an UPDATE changes, with secrets masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl ConfigurationDocument {
    /// An empty document for an organisation.
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

/// Fields that the gateway writes itself, and identifiers, which the document replaces by names.
const MANAGED_FIELDS: [&str; 8] = [
    "id",
    "orgId",
    "builtIn",
    "hold",
    "revision",
    "createdAt",
    "updatedAt",
    "tenantId",
];

/// A resource without the fields that the gateway writes. Its unit stays; the organisation follows from where the document is
/// applied.
pub(crate) fn strip_managed_fields(mut value: Value, org: OrgId) -> Value {
    let own_unit = value.get("tenantId").filter(|tenant| **tenant != org.0).cloned();
    for field in MANAGED_FIELDS {
        super::remove_field(&mut value, field);
    }
    if let (Some(unit), Some(object)) = (own_unit, value.as_object_mut()) {
        object.insert("tenantId".to_owned(), unit);
    }
    value
}
