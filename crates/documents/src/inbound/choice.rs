//! The choices of an inbound integration, by the names that clients use.

use ig_core::inbound::{Logging, ProxyMethod};
use ig_core::integration::LogLevel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::choice::same;

/// A method that clients may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ProxyMethod)]
pub enum ProxyMethodName {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// How much of a call is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProxyLogLevel {
    /// Everything, payloads included.
    Full,
    /// Everything but payloads.
    Metadata,
    /// Statistics only.
    None,
}

/// What happens to a call whose log cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProxyLogging {
    /// The call is refused before anything is sent.
    Required,
    /// The call is answered, and its log is lost.
    BestEffort,
}

same!(
    ProxyMethodName = ProxyMethod {
        Get,
        Head,
        Post,
        Put,
        Patch,
        Delete
    }
);
same!(ProxyLogging = Logging { Required, BestEffort });

impl ProxyLogLevel {
    /// The level; `None` where only statistics are kept.
    pub(super) fn into_domain(self) -> Option<LogLevel> {
        match self {
            Self::Full => Some(LogLevel::Full),
            Self::Metadata => Some(LogLevel::Metadata),
            Self::None => None,
        }
    }

    /// The name of a level.
    pub(super) fn shown(level: Option<LogLevel>) -> Self {
        match level {
            Some(LogLevel::Full) => Self::Full,
            Some(LogLevel::Metadata) => Self::Metadata,
            None => Self::None,
        }
    }
}
