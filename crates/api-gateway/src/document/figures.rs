//! Deliveries in figures, as clients read them.

use std::collections::BTreeMap;
use std::time::Duration;

use ig_core::delivery_log::DeliveryStatus;
use ig_core::figures::DeliveryFigures;
use serde::Serialize;
use utoipa::ToSchema;

/// Deliveries in figures.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// How many there are.
    total: u64,
    /// By status; every status is there.
    by_status: BTreeMap<&'static str, u64>,
    /// Which share succeeded of those for which something was to be sent (all but SKIPPED), from 0 to 1; null where there are none.
    success_rate: Option<f64>,
    /// How many requests were made for them.
    attempts: u64,
    /// Milliseconds that each one's last request took, of those that came to a request.
    response_time_ms: ResponseTime,
}

/// What requests took, in milliseconds; null where there were none.
///
/// Percentiles are told within 1 % of the time that stands at that rank, and exactly below 50 ms.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResponseTime {
    /// Half of them took no longer.
    p50: Option<u64>,
    /// 95 % of them took no longer.
    p95: Option<u64>,
    /// 99 % of them took no longer.
    p99: Option<u64>,
    /// On average.
    average: Option<f64>,
}

impl From<DeliveryFigures> for Figures {
    fn from(figures: DeliveryFigures) -> Self {
        let of = |status: &DeliveryStatus| (status.as_str(), figures.of(*status));
        Self {
            total: figures.total(),
            by_status: DeliveryStatus::ALL.iter().map(of).collect(),
            success_rate: figures.success_rate(),
            attempts: figures.attempts(),
            response_time_ms: ResponseTime {
                p50: figures.percentile(50).map(millis),
                p95: figures.percentile(95).map(millis),
                p99: figures.percentile(99).map(millis),
                average: figures.average().map(|average| average.as_micros() as f64 / 1_000.0),
            },
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
