//! What became of a notice on its way to a channel.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::outcome::{ErrorCategory, Failure};

use super::email::Recipient;

/// The channel took a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// The recipients of a mail that did not get it although others did.
    pub undelivered: Vec<Undelivered>,
}

impl Sent {
    /// The channel took the whole notice.
    pub(super) fn complete(at: Timestamp) -> Self {
        Self {
            at,
            undelivered: Vec::new(),
        }
    }
}

/// A recipient that did not get a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The recipient.
    pub recipient: Recipient,
    /// Why.
    pub error: SendError,
}

/// Why a notice was not sent. Each text is a sentence that a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may be taken later.
    #[error("{why}")]
    Transient {
        /// What happened.
        why: String,
        /// How long the channel asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The channel would refuse it again.
    #[error("{why}")]
    Permanent {
        /// What happened.
        why: String,
    },
    /// The egress guard does not allow the channel's address; nothing was sent.
    #[error("{why}")]
    Refused {
        /// Why the address is not allowed.
        why: String,
    },
}

impl SendError {
    pub(super) fn transient(why: impl Into<String>) -> Self {
        Self::Transient {
            why: why.into(),
            retry_after: None,
        }
    }

    pub(super) fn permanent(why: impl Into<String>) -> Self {
        Self::Permanent { why: why.into() }
    }

    /// Whether the same notice may be taken later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transient { .. } => true,
            Self::Permanent { .. } | Self::Refused { .. } => false,
        }
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        let Failure {
            category,
            message: why,
            retry_after,
        } = failure;
        match category {
            ErrorCategory::Blocked => Self::Refused { why },
            ErrorCategory::RateLimit | ErrorCategory::Timeout | ErrorCategory::ServerError | ErrorCategory::Network => {
                Self::Transient { why, retry_after }
            }
            ErrorCategory::Auth
            | ErrorCategory::ClientError
            | ErrorCategory::Transformation
            | ErrorCategory::Config
            | ErrorCategory::Source => Self::Permanent { why },
        }
    }
}
