//! The dashboard of an organisation or of the platform, as clients read it.

use std::collections::BTreeMap;

use ig_core::alert::Severity;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::integration::IntegrationCounts;
use ig_store::{AlertTally, DeadLetterTally, PendingDeliveries, RecentDeliveries};
use serde::Serialize;
use utoipa::ToSchema;

use super::Figures;

/// The current state of deliveries, integrations, dead letters and alerts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dashboard {
    /// When the figures were collected.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Deliveries.
    pub deliveries: DeliveryOverview,
    /// Integrations.
    pub integrations: IntegrationStates,
    /// Dead letters.
    pub dlq: DeadLetterFigures,
    /// Scheduled deliveries that are still pending.
    pub scheduled: ScheduledFigures,
    /// Alerts of the last 24 hours.
    pub alerts: AlertFigures,
}

/// Recent deliveries. A figure that takes more than 8 s to count is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryOverview {
    /// Deliveries accepted in a minute, averaged over the last five minutes.
    per_minute: Option<f64>,
    /// The figures of the last hour.
    last_hour: Option<Figures>,
    /// The figures of the last 24 hours.
    last_day: Option<Figures>,
}

/// The number of integrations in each state. An integration is in exactly one state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationStates {
    /// All integrations.
    total: u64,
    /// Integrations whose deliveries are sent.
    active: u64,
    /// Integrations that a person has paused.
    paused: u64,
    /// Integrations whose circuit breaker is open.
    circuit_open: u64,
    /// Integrations that were never activated.
    drafts: u64,
}

/// The number of dead letters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetterFigures {
    /// All dead letters, including the resolved ones.
    total: u64,
    /// The number by status; every status is present.
    by_status: BTreeMap<&'static str, u64>,
    /// When the oldest dead letter that is retrying or waiting for a retry was created.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest_waiting: Option<Timestamp>,
}

/// Scheduled deliveries that are still pending.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduledFigures {
    /// How many deliveries are pending.
    pending: u64,
    /// When the next delivery is due; this may lie in the past.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_due: Option<Timestamp>,
}

/// The number of alerts. Reports of the same problem within its quiet period count as one alert.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertFigures {
    /// All alerts.
    total: u64,
    /// The number by severity; every severity is present.
    by_severity: BTreeMap<&'static str, u64>,
    /// The number by kind.
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
