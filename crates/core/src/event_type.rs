//! The kinds of events that an organisation knows.

use crate::clock::Timestamp;
use crate::id::{EventType, OrgId};

/// A kind of event, described for those who integrate with it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTypeDefinition {
    /// The organisation that defines it.
    pub org_id: OrgId,
    /// Its name, as events carry it.
    pub event_type: EventType,
    /// What it means, in a sentence or two.
    pub description: Option<String>,
    /// A payload as one would see it.
    pub sample_payload: Option<serde_json::Value>,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
