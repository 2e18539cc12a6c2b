//! Deliveries that could not be made: kept until they are made or given up.

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::delivery_log::{Destination, Direction, EventRef, IntegrationRef, named};
use crate::id::{LogId, OrgId, Position, Rid};
use crate::message::MessageId;
use crate::outcome::ErrorCategory;

named! {
    /// Where a dead letter stands.
    DeadLetterStatus {
        /// It will be tried again when it is due.
        PendingRetry = "PENDING_RETRY",
        /// Somebody is trying it.
        Retrying = "RETRYING",
        /// It was given up, and is kept for the record and for a person.
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
        /// Trying again would be refused again.
        NotRetryable = "NOT_RETRYABLE",
        /// The database refused to store it as it was: it is kept without its payload.
        NotStored = "NOT_STORED",
        /// The event waited for its turn, and could not be read from its source any more when it came.
        EventGone = "EVENT_GONE",
        /// The breaker was open.
        CircuitOpen = "CIRCUIT_OPEN",
        /// A person had paused the integration.
        Paused = "PAUSED",
        /// The integration's own limit was reached.
        RateLimited = "RATE_LIMITED",
        /// The integration's script had to be stopped too often, and was not run.
        ScriptDisabled = "SCRIPT_DISABLED",
    }
}

impl DeadLetterStatus {
    /// Whether nothing more comes of it by itself: it was delivered, or given up. Only what is settled is ever deleted by age, counted from
    /// then; what is still to be tried, or waits for somebody to make it due, stays.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Resolved | Self::Abandoned => true,
            Self::PendingRetry | Self::Retrying => false,
        }
    }
}

impl DeadLetterReason {
    /// Whether people are told of a dead letter as soon as it is there: nothing that the gateway does can deliver it any more, and no
    /// answer of a target says why.
    pub fn is_alarming(self) -> bool {
        !self.has_payload()
    }

    /// Whether there is a payload that can be sent: trying again without one is nobody's wish.
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

    /// The reasons of those that have no payload.
    pub fn without_payload() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|reason| !reason.has_payload())
    }
}

/// How often a dead letter is tried before it is given up.
pub const DEFAULT_MAX_RETRIES: u32 = 3;

/// A delivery that could not be made. Its identifier is its delivery log's: one delivery has one of each.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its identifier, and its delivery log's.
    pub id: LogId,
    /// The message's identifier.
    pub message_id: MessageId,
    /// The tenant.
    pub org_id: OrgId,
    /// The entity the event is about.
    pub entity_rid: Rid,
    /// What it is for.
    pub integration: IntegrationRef,
    /// What it is about.
    pub event: EventRef,
    /// The event's place in its source, where it came from there by itself.
    pub position: Option<Position>,
    /// Which way it goes.
    pub direction: Direction,
    /// Where it stands.
    pub status: DeadLetterStatus,
    /// The class of the last failure, where there was an attempt.
    pub category: Option<ErrorCategory>,
    /// Why it is here.
    pub reason: DeadLetterReason,
    /// What the event carried; nothing where that is gone.
    pub original_payload: Bytes,
    /// Where it was to go.
    pub target: Destination,
    /// What went wrong last.
    pub last_error: String,
    /// How many requests were sent so far.
    pub attempt_count: u32,
    /// How often it is tried from here on.
    pub max_retries: u32,
    /// When it is due; never when it was given up.
    pub next_retry_at: Option<Timestamp>,
    /// The trace it belongs to.
    pub trace_id: String,
    /// When it was made.
    pub created_at: Timestamp,
}
