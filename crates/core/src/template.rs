//! Templates: integrations that are not filled in yet.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{OrgId, TemplateId};

named! {
    /// What a template is one of.
    Direction {
        /// An outbound integration.
        Outbound = "OUTBOUND",
        /// An inbound integration.
        Inbound = "INBOUND",
        /// A scheduled job.
        Scheduled = "SCHEDULED",
    }
}

/// A template that an organisation keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its identifier.
    pub id: TemplateId,
    /// The tenant it belongs to.
    pub org_id: OrgId,
    /// Display name.
    pub name: String,
    /// What it is good for.
    pub description: Option<String>,
    /// A word to find it by, such as `messaging`.
    pub category: Option<String>,
    /// What it is a template of.
    pub direction: Direction,
    /// Some fields of such a resource, as the API writes them, without secrets.
    pub definition: Map<String, Value>,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
