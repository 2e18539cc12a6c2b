//! Dead letters: failed deliveries, kept until they are delivered or given up.

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::delivery_log::{Destination, Direction, EventRef, IntegrationRef, named};
use crate::id::{LogId, OrgId, Position, Rid};
use crate::message::MessageId;
use crate::outcome::ErrorCategory;

named! {
    /// The status of a dead letter.
    DeadLetterStatus {
        /// It will be tried again when it is due; one without a due time is held.
        PendingRetry = "PENDING_RETRY",
        /// A retry is under way.
        Retrying = "RETRYING",
        /// It was given up, and is kept for the record and for a manual retry.
        Abandoned = "ABANDONED",
        /// It was delivered in the end.
        Resolved = "RESOLVED",
    }
}

named! {
    /// Why a delivery became a dead letter.
    DeadLetterReason {
        /// Every attempt in the lane failed.
        AttemptsExhausted = "ATTEMPTS_EXHAUSTED",
        /// The target asked to wait longer than a lane does.
        RetryAfter = "RETRY_AFTER",
        /// The target would refuse it again.
        NotRetryable = "NOT_RETRYABLE",
        /// The database refused to store it as it was: it is kept without its payload.
        NotStored = "NOT_STORED",
        /// The event waited in its lane, and its source could no longer be read for it when its turn came.
        EventGone = "EVENT_GONE",
        /// The breaker was open.
        CircuitOpen = "CIRCUIT_OPEN",
        /// A person paused the integration.
        Paused = "PAUSED",
        /// The integration's own limit was reached.
        RateLimited = "RATE_LIMITED",
        /// The integration's script was stopped too often and is disabled.
        ScriptDisabled = "SCRIPT_DISABLED",
    }
}

impl DeadLetterStatus {
    /// Whether nothing further happens to it by itself: it was delivered or given up. Only settled dead letters are deleted by
    /// age, counted from that moment; pending and held ones stay.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Resolved | Self::Abandoned => true,
            Self::PendingRetry | Self::Retrying => false,
        }
    }
}

impl DeadLetterReason {
    /// Whether a new dead letter raises an alert at once: the gateway can no longer deliver it, and no answer of a target
    /// explains why.
    pub fn is_alarming(self) -> bool {
        !self.has_payload()
    }

    /// Whether it has a payload to send; without one a retry makes no sense.
    pub fn has_payload(self) -> bool {
        match self {
            Self::EventGone | Self::NotStored => false,
            Self::AttemptsExhausted
            | Self::RetryAfter
            | Self::NotRetryable
            | Self::CircuitOpen
            | Self::Paused
            | Self::RateLimited
            | Self::ScriptDisabled => true,
        }
    }

    /// The reasons of dead letters that have no payload.
    pub fn without_payload() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|reason| !reason.has_payload())
    }
}

/// How many retries a dead letter gets before it is given up.
pub const DEFAULT_MAX_RETRIES: u32 = 3;

/// A failed delivery. It shares its identifier with its delivery log, of which each delivery has one.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its identifier, and its delivery log's.
    pub id: LogId,
    /// The identifier of its message.
    pub message_id: MessageId,
    /// The tenant.
    pub org_id: OrgId,
    /// The entity the event is about.
    pub entity_rid: Rid,
    /// The integration and action.
    pub integration: IntegrationRef,
    /// The event.
    pub event: EventRef,
    /// The event's position in its source, where the source numbered it.
    pub position: Option<Position>,
    /// The direction of the delivery.
    pub direction: Direction,
    /// Its status.
    pub status: DeadLetterStatus,
    /// The category of the last failure, if there was an attempt.
    pub category: Option<ErrorCategory>,
    /// Why it became a dead letter.
    pub reason: DeadLetterReason,
    /// The event's payload; empty where that is gone.
    pub original_payload: Bytes,
    /// Where the delivery was to go.
    pub target: Destination,
    /// The last error.
    pub last_error: String,
    /// How many requests have been sent.
    pub attempt_count: u32,
    /// The maximum number of retries.
    pub max_retries: u32,
    /// When it is due; `None` when it is held or settled.
    pub next_retry_at: Option<Timestamp>,
    /// The trace it belongs to.
    pub trace_id: String,
    /// When it became a dead letter.
    pub created_at: Timestamp,
}
