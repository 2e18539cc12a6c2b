//! Templates: partially filled integrations.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{OrgId, TemplateId};

named! {
    /// The kind of resource that a template describes.
    Direction {
        /// An outbound integration.
        Outbound = "OUTBOUND",
        /// An inbound integration.
        Inbound = "INBOUND",
        /// A scheduled job.
        Scheduled = "SCHEDULED",
    }
}

/// An organisation's template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its identifier.
    pub id: TemplateId,
    /// The tenant it belongs to.
    pub org_id: OrgId,
    /// Display name.
    pub name: String,
    /// Its purpose.
    pub description: Option<String>,
    /// A category to find it by, such as `messaging`.
    pub category: Option<String>,
    /// The kind of resource.
    pub direction: Direction,
    /// Some fields of the resource, in the form of the API, without secrets.
    pub definition: Map<String, Value>,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
