//! The choices an integration offers, by the names that clients use.

use ig_core::integration::{HttpMethod, LogLevel, Scope};
use ig_core::schedule::ScheduleMode as Mode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A delivery's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

/// How the payload changes shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TransformationMode {
    /// By field mappings and static fields.
    Simple,
    /// By a script.
    Script,
}

/// When deliveries are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ScheduleMode {
    /// At once.
    Immediate,
    /// Once, later.
    Delayed,
    /// Again and again.
    Recurring,
}

/// Whether deliveries keep the order of their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OrderingName {
    /// One at a time, in event order.
    Ordered,
    /// Several at a time, in any order.
    Unordered,
}

/// What of a delivery is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum LogLevelName {
    /// Everything, payloads included.
    Full,
    /// Everything but payloads.
    Metadata,
}

/// How far an integration at the organisation's level reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ScopeName {
    /// The organisation and all of its units.
    AllEntities,
    /// The entity that it is set on, alone.
    EntityOnly,
}

/// Two enums with the same variants, there and back.
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

pub(in super::super) use same;

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
