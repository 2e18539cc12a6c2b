//! Why an integration's deliveries are held instead of sent.

use crate::clock::Timestamp;
use crate::dead_letter::DeadLetterReason;

/// A hold: since when and why deliveries are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The cause.
    pub cause: HoldCause,
    /// When it began.
    pub since: Timestamp,
    /// Why, in a sentence that a tenant may read.
    pub reason: String,
}

impl Hold {
    /// The hold after a person switched something on or off; something held already keeps its hold.
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

/// The cause of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldCause {
    /// The breaker opened.
    CircuitOpen,
    /// A person paused the integration.
    Paused,
    /// The stored integration cannot be read, such as when the key of its secrets is gone.
    Unreadable,
}

impl HoldCause {
    /// Every cause.
    pub const ALL: [Self; 3] = [Self::CircuitOpen, Self::Paused, Self::Unreadable];

    /// The name in documents and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CircuitOpen => "CIRCUIT_OPEN",
            Self::Paused => "PAUSED",
            Self::Unreadable => "UNREADABLE",
        }
    }

    /// The cause with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }

    /// The reason of the dead letters that this cause leaves.
    pub fn dead_letter_reason(self) -> DeadLetterReason {
        match self {
            Self::CircuitOpen => DeadLetterReason::CircuitOpen,
            Self::Paused | Self::Unreadable => DeadLetterReason::Paused,
        }
    }
}
