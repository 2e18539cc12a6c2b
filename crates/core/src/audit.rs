//! What the gateway decided about each event.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{EventId, EventType, IntegrationId, OrgId, Position, Rid, SourceId};

named! {
    /// Why an event was not delivered to anybody.
    SkipReason {
        /// No organisation is known for it.
        NoEntityContext = "NO_ENTITY_CONTEXT",
        /// It has no type.
        NoEventType = "NO_EVENT_TYPE",
        /// Its payload is not JSON, or missing.
        InvalidPayload = "INVALID_PAYLOAD",
        /// Its payload does not keep to the schema of its type, which rejects such payloads.
        SchemaViolated = "SCHEMA_VIOLATED",
        /// Its payload is larger than the limit.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// It is older than `maxEventAgeDays`.
        TooOld = "TOO_OLD",
        /// Its organisation is not among the allowed ones.
        ParentNotAllowed = "PARENT_NOT_ALLOWED",
        /// The same event was seen within the last minutes.
        Duplicate = "DUPLICATE",
        /// No integration is for it.
        NoMatch = "NO_MATCH",
        /// The source cannot be read as it is configured; the entry stands for the source, not for one event.
        SourceMisconfigured = "SOURCE_MISCONFIGURED",
        /// The source shows less than it has shown before; the entry stands for the source, not for one event.
        SourceBehind = "SOURCE_BEHIND",
    }
}

named! {
    /// What was decided about an event, in a word.
    DecisionStatus {
        /// It is delivered to somebody.
        Matched = "MATCHED",
        /// All who get it get it later.
        Scheduled = "SCHEDULED",
        /// Nobody gets it.
        Skipped = "SKIPPED",
    }
}

/// What was decided about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// So many integrations are for it.
    Matched {
        /// How many.
        integrations: u32,
    },
    /// So many integrations are for it, and all of them have it delivered later.
    Scheduled {
        /// How many.
        integrations: u32,
    },
    /// Nobody gets it, and why.
    Skipped(SkipReason),
}

impl Decision {
    /// The decision in a word.
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
    /// Its place in the source.
    pub position: Position,
    /// Its type, if it has one.
    pub event_type: Option<EventType>,
    /// The tenant, if it is known.
    pub org_id: Option<OrgId>,
    /// The entity, if it names one.
    pub entity_rid: Option<Rid>,
    /// What was decided.
    pub decision: Decision,
    /// The integrations that it is for: a worker that takes the event over delivers to these, whatever is configured by then.
    pub matched: Vec<IntegrationId>,
    /// More about it, such as where the payload stops being JSON.
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
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}
