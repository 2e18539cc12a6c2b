//! The choices of an integration, by the names that clients use.

use ig_core::integration::{HttpMethod, LogLevel, Scope};
use ig_core::schedule::ScheduleMode as Mode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The HTTP method of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

/// How the payload is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransformationMode {
    /// With field mappings and static fields.
    Simple,
    /// With a script.
    Script,
}

/// When deliveries are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScheduleMode {
    /// Immediately.
    Immediate,
    /// Once, later.
    Delayed,
    /// Repeatedly.
    Recurring,
}

/// Whether deliveries keep the order of their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderingName {
    /// One at a time, in event order.
    Ordered,
    /// Several at a time, in any order.
    Unordered,
}

/// How much of a delivery is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LogLevelName {
    /// Everything, payloads included.
    Full,
    /// Everything but payloads.
    Metadata,
}

/// The scope of an organisation-level integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScopeName {
    /// The organisation and all of its units.
    AllEntities,
    /// Only the entity that it is configured for.
    EntityOnly,
}

/// Converts between two enums with the same variants, in both directions.
macro_rules! same {
    ($here:ident = $there:ident { $($variant:ident),+ }) => {
        impl From<$here> for $there {
            fn from(value: $here) -> Self {
                match value { $($here::$variant => Self::$variant),+ }
            }
        }

        impl From<$there> for $here {
            fn from(value: $there) -> Self {
                match value { $($there::$variant => Self::$variant),+ }
            }
        }
    };
}

pub(crate) use same;

same!(
    ScheduleMode = Mode {
        Immediate,
        Delayed,
        Recurring
    }
);
same!(Method = HttpMethod { Post, Put, Patch });
same!(LogLevelName = LogLevel { Full, Metadata });
same!(ScopeName = Scope { AllEntities, EntityOnly });
