//! The audit of decisions: what the gateway decided about each event.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{EventId, EventType, IntegrationId, OrgId, Position, Rid, SourceId};

named! {
    /// Why an event was not delivered.
    SkipReason {
        /// No organisation is known for it.
        NoEntityContext = "NO_ENTITY_CONTEXT",
        /// It has no type.
        NoEventType = "NO_EVENT_TYPE",
        /// Its payload is not JSON, or missing.
        InvalidPayload = "INVALID_PAYLOAD",
        /// Its payload violates the schema of its type, which rejects such payloads.
        SchemaViolated = "SCHEMA_VIOLATED",
        /// Its payload is larger than the limit.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// It is older than `maxEventAgeDays`.
        TooOld = "TOO_OLD",
        /// Its organisation is not among the allowed ones.
        ParentNotAllowed = "PARENT_NOT_ALLOWED",
        /// The same event was seen within the last minutes.
        Duplicate = "DUPLICATE",
        /// No integration matches it.
        NoMatch = "NO_MATCH",
        /// The source cannot be read as it is configured; the entry stands for the source, not for one event.
        SourceMisconfigured = "SOURCE_MISCONFIGURED",
        /// The source shows less than it has shown before; the entry stands for the source, not for one event.
        SourceBehind = "SOURCE_BEHIND",
    }
}

named! {
    /// The kind of a decision.
    DecisionStatus {
        /// At least one integration delivers it now.
        Matched = "MATCHED",
        /// Every matched integration delivers it later.
        Scheduled = "SCHEDULED",
        /// No integration gets it.
        Skipped = "SKIPPED",
    }
}

/// What was decided about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Integrations match it.
    Matched {
        /// How many.
        integrations: u32,
    },
    /// Integrations match it, and all of them deliver it later.
    Scheduled {
        /// How many.
        integrations: u32,
    },
    /// No integration gets it, and why.
    Skipped(SkipReason),
}

impl Decision {
    /// The kind of this decision.
    pub fn status(self) -> DecisionStatus {
        match self {
            Self::Matched { .. } => DecisionStatus::Matched,
            Self::Scheduled { .. } => DecisionStatus::Scheduled,
            Self::Skipped(_) => DecisionStatus::Skipped,
        }
    }
}

/// The record of a decision about one event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventAudit {
    /// The source it came from.
    pub source: SourceId,
    /// Its identifier within the source.
    pub event_id: EventId,
    /// Its position in the source.
    pub position: Position,
    /// Its type, if it has one.
    pub event_type: Option<EventType>,
    /// The tenant, if it is known.
    pub org_id: Option<OrgId>,
    /// The entity, if it names one.
    pub entity_rid: Option<Rid>,
    /// What was decided.
    pub decision: Decision,
    /// The matched integrations. A worker that takes the event over delivers to these, whatever is configured by then.
    pub matched: Vec<IntegrationId>,
    /// Further detail, such as where the payload stops being JSON.
    pub detail: Option<String>,
    /// When its source created it.
    pub created_at: Option<Timestamp>,
    /// When the gateway decided.
    pub decided_at: Timestamp,
    /// The revision of the configuration that was in force. A worker that takes the event over keeps to the decision only once it has
    /// that revision: an integration that it does not know yet looks like a deleted one.
    pub configuration_revision: u64,
    /// The trace it belongs to.
    pub trace_id: String,
    /// When the record may be deleted.
    pub expires_at: Timestamp,
}
