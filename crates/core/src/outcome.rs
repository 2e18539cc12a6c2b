//! The outcome of one delivery attempt, and what follows from it.
//!
//! This is the one place that decides what is retried: an exhaustive match over [`ErrorCategory`]. Beside it, a request that was refused
//! for its token is repeated once with a new one.

use std::time::Duration;

use crate::named::Named;

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCategory {
    /// The target asked to slow down (425, 429).
    RateLimit,
    /// The deadline passed, or the target gave up waiting (408, 504).
    Timeout,
    /// The target failed (5xx).
    ServerError,
    /// The exchange failed: DNS, connect, TLS, reset.
    Network,
    /// The target refused the credentials.
    Auth,
    /// The target refused the request (other 3xx and 4xx).
    ClientError,
    /// The payload could not be shaped.
    Transformation,
    /// The configuration cannot be applied.
    Config,
    /// The egress guard refused the address.
    Blocked,
    /// The event can no longer be read from its source.
    Source,
}

impl ErrorCategory {
    /// Every category.
    pub const ALL: [Self; 10] = [
        Self::RateLimit,
        Self::Timeout,
        Self::ServerError,
        Self::Network,
        Self::Auth,
        Self::ClientError,
        Self::Transformation,
        Self::Config,
        Self::Blocked,
        Self::Source,
    ];

    /// The name in logs and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "RATE_LIMIT",
            Self::Timeout => "TIMEOUT",
            Self::ServerError => "SERVER_ERROR",
            Self::Network => "NETWORK",
            Self::Auth => "AUTH",
            Self::ClientError => "CLIENT_ERROR",
            Self::Transformation => "TRANSFORMATION",
            Self::Config => "CONFIG",
            Self::Blocked => "BLOCKED",
            Self::Source => "SOURCE",
        }
    }

    /// The category with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }

    /// Whether the same request may succeed later without a change.
    pub fn retryable(self) -> bool {
        match self {
            Self::RateLimit | Self::Timeout | Self::ServerError | Self::Network => true,
            Self::Auth | Self::ClientError | Self::Transformation | Self::Config | Self::Blocked | Self::Source => false,
        }
    }

    /// The category of a response status; `None` for a success.
    pub fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            408 | 504 => Some(Self::Timeout),
            425 | 429 => Some(Self::RateLimit),
            401 | 403 => Some(Self::Auth),
            500.. => Some(Self::ServerError),
            _ => Some(Self::ClientError),
        }
    }
}

impl Named for ErrorCategory {
    fn all() -> &'static [Self] {
        &Self::ALL
    }

    fn name(self) -> &'static str {
        self.as_str()
    }
}

/// Why an attempt failed, for people and for the retry policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class of failure.
    pub category: ErrorCategory,
    /// What happened, in a sentence that a tenant may read.
    pub message: String,
    /// How long the target asked us to wait.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without a `Retry-After`.
    pub fn new(category: ErrorCategory, message: impl Into<String>) -> Self {
        Self {
            category,
            message: message.into(),
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_response_status_has_its_error_category() {
        use ErrorCategory::{Auth, ClientError, RateLimit, ServerError, Timeout};
        let table = [
            (200, None),
            (204, None),
            (301, Some(ClientError)),
            (400, Some(ClientError)),
            (401, Some(Auth)),
            (404, Some(ClientError)),
            (408, Some(Timeout)),
            (425, Some(RateLimit)),
            (429, Some(RateLimit)),
            (500, Some(ServerError)),
            (503, Some(ServerError)),
            (504, Some(Timeout)),
            (599, Some(ServerError)),
        ];
        for (status, category) in table {
            assert_eq!(ErrorCategory::of_status(status), category, "{status}");
        }
    }

    #[test]
    fn every_error_category_parses_what_it_prints() {
        for category in ErrorCategory::ALL {
            assert_eq!(ErrorCategory::parse(category.as_str()), Some(category));
        }
    }
}
