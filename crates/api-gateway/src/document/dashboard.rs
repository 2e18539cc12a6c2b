//! What is going on, as clients read it.

use std::collections::BTreeMap;

use ig_core::alert::Severity;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::integration::IntegrationCounts;
use ig_store::{AlertTally, DeadLetterTally, PendingDeliveries, RecentDeliveries};
use serde::Serialize;
use utoipa::ToSchema;

use super::Figures;

/// What is going on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dashboard {
    /// When it was looked at.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Deliveries.
    pub deliveries: DeliveryOverview,
    /// Integrations.
    pub integrations: IntegrationStates,
    /// Dead letters.
    pub dlq: DeadLetterFigures,
    /// Deliveries whose time is yet to come.
    pub scheduled: ScheduledFigures,
    /// Alerts of the last 24 hours.
    pub alerts: AlertFigures,
}

/// Deliveries of late. What could not be counted within 8 s is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryOverview {
    /// How many were taken up in a minute, on average over the last five.
    per_minute: Option<f64>,
    /// Of the last hour.
    last_hour: Option<Figures>,
    /// Of the last 24 hours.
    last_day: Option<Figures>,
}

/// How many integrations are in which state; each is in one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationStates {
    /// All of them.
    total: u64,
    /// Their deliveries are sent.
    active: u64,
    /// A person has paused them.
    paused: u64,
    /// Their breaker is open.
    circuit_open: u64,
    /// They were never switched on.
    drafts: u64,
}

/// How many dead letters there are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetterFigures {
    /// All of them, those that were delivered in the end included.
    total: u64,
    /// By status; every status is there.
    by_status: BTreeMap<&'static str, u64>,
    /// When the oldest of those that are to be tried again, or are just now, was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest_waiting: Option<Timestamp>,
}

/// Deliveries whose time is yet to come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduledFigures {
    /// How many there are.
    pending: u64,
    /// The time of the next one; it may have passed.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_due: Option<Timestamp>,
}

/// How many alerts there were; what was reported again within a quiet time is one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertFigures {
    /// All of them.
    total: u64,
    /// By severity; every severity is there.
    by_severity: BTreeMap<&'static str, u64>,
    /// By kind.
    by_kind: BTreeMap<String, u64>,
}

impl From<RecentDeliveries> for DeliveryOverview {
    fn from(recent: RecentDeliveries) -> Self {
        let RecentDeliveries {
            per_minute,
            last_hour,
            last_day,
        } = recent;
        Self {
            per_minute,
            last_hour: last_hour.map(Into::into),
            last_day: last_day.map(Into::into),
        }
    }
}

impl From<IntegrationCounts> for IntegrationStates {
    fn from(counts: IntegrationCounts) -> Self {
        let IntegrationCounts {
            active,
            paused,
            circuit_open,
            drafts,
        } = counts;
        Self {
            total: active + paused + circuit_open + drafts,
            active,
            paused,
            circuit_open,
            drafts,
        }
    }
}

impl From<DeadLetterTally> for DeadLetterFigures {
    fn from(tally: DeadLetterTally) -> Self {
        let DeadLetterTally {
            mut by_status,
            oldest_waiting,
        } = tally;
        for status in DeadLetterStatus::ALL {
            by_status.entry(status.as_str()).or_default();
        }
        Self {
            total: by_status.values().sum(),
            by_status,
            oldest_waiting,
        }
    }
}

impl From<PendingDeliveries> for ScheduledFigures {
    fn from(deliveries: PendingDeliveries) -> Self {
        let PendingDeliveries { count, next } = deliveries;
        Self {
            pending: count,
            next_due: next,
        }
    }
}

impl From<Vec<AlertTally>> for AlertFigures {
    fn from(tallies: Vec<AlertTally>) -> Self {
        let none = Severity::ALL.iter().map(|severity| (severity.as_str(), 0));
        let mut figures = Self {
            total: 0,
            by_severity: none.collect(),
            by_kind: BTreeMap::new(),
        };
        for AlertTally { kind, severity, count } in tallies {
            figures.total += count;
            *figures.by_severity.entry(severity.as_str()).or_default() += count;
            *figures.by_kind.entry(kind).or_default() += count;
        }
        figures
    }
}
