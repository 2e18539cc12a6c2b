//! Why an integration's deliveries are held instead of sent.

use crate::clock::Timestamp;
use crate::dead_letter::DeadLetterReason;

/// Since when and why deliveries are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What made it.
    pub cause: HoldCause,
    /// Since when.
    pub since: Timestamp,
    /// Why, in a sentence that a tenant may read.
    pub reason: String,
}

impl Hold {
    /// What holds after a person has switched something on or off: what is held already stays held for the reason that it is.
    pub fn switched(hold: Option<Self>, was_active: bool, is_active: bool, now: Timestamp) -> Option<Self> {
        let paused = || Self {
            cause: HoldCause::Paused,
            since: now,
            reason: "paused by hand".to_owned(),
        };
        match (is_active, was_active) {
            (true, _) => None,
            (false, true) => Some(paused()),
            (false, false) => hold,
        }
    }
}

/// What holds deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldCause {
    /// The breaker has opened.
    CircuitOpen,
    /// A person has paused the integration.
    Paused,
    /// What is stored of the integration cannot be read, such as secrets under a key that is gone.
    Unreadable,
}

impl HoldCause {
    /// Every cause, for documents and tables.
    pub const ALL: [Self; 3] = [Self::CircuitOpen, Self::Paused, Self::Unreadable];

    /// As documents and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CircuitOpen => "CIRCUIT_OPEN",
            Self::Paused => "PAUSED",
            Self::Unreadable => "UNREADABLE",
        }
    }

    /// The cause of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }

    /// Why what is held is a dead letter.
    pub fn dead_letter_reason(self) -> DeadLetterReason {
        match self {
            Self::CircuitOpen => DeadLetterReason::CircuitOpen,
            Self::Paused | Self::Unreadable => DeadLetterReason::Paused,
        }
    }
}
