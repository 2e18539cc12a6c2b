//! When deliveries are sent, as clients write it.

use ig_core::fault::Faults;
use ig_core::schedule::Schedule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::choice::ScheduleMode;

/// When deliveries are sent. DELAYED takes one of `delaySeconds`, `at` and `script`; RECURRING takes `cron` or `intervalMs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchedulingConfig {
    /// DELAYED: seconds after the event, up to a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<u64>,
    /// DELAYED: a dotted path into the payload that holds the time, or a text with `{{path}}` placeholders that yields it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// DELAYED: the body of a function of `payload` and `context` that returns the time, or null for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// RECURRING: a cron expression of five fields, or of six with seconds first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// RECURRING: milliseconds between two occurrences, at least 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
    /// The IANA timezone of a cron expression, and of times without an offset; the tenant's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// RECURRING: the first occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
    /// RECURRING: the maximum number of occurrences.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
    pub max_occurrences: Option<u32>,
    /// RECURRING: the last day, or the last moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// Which later events cancel or replace pending deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_on: Option<Vec<CancelOn>>,
}

/// A later event of one of these types cancels pending deliveries that have equal values at these paths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOn {
    /// The event types, 1 to 20.
    pub event_types: Vec<String>,
    /// Dotted paths whose values must be equal in both payloads, 1 to 20.
    pub match_keys: Vec<String>,
    /// What happens to pending deliveries; CANCEL by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<CancelChoice>,
}

/// What happens to pending deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelChoice {
    /// They are cancelled.
    Cancel,
    /// They are cancelled, and scheduled again for the later event.
    Reschedule,
}

impl SchedulingConfig {
    /// The schedule; faults lie within the configuration.
    pub fn into_domain(mode: ScheduleMode, config: Option<Self>) -> Result<Schedule, Faults> {
        let config = config.map(serde_json::to_value).transpose();
        let config = config.map_err(|error| Faults::single("", error.to_string()))?;
        Schedule::read(mode.into(), config.as_ref())
    }

    /// The configuration of a stored schedule. It was validated when it was written, so it can be read.
    pub(super) fn shown(schedule: &Schedule) -> Option<Self> {
        let config = schedule.config()?.clone();
        serde_json::from_value(config)
            .inspect_err(|error| tracing::error!(%error, "a stored schedulingConfig cannot be shown"))
            .ok()
    }
}
