//! Delivery figures, as clients read them.

use std::collections::BTreeMap;
use std::time::Duration;

use ig_core::delivery_log::DeliveryStatus;
use ig_core::figures::DeliveryFigures;
use serde::Serialize;
use utoipa::ToSchema;

/// Figures of a set of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// The number of deliveries.
    total: u64,
    /// The number by status; every status is present.
    by_status: BTreeMap<&'static str, u64>,
    /// The share of deliveries that succeeded, from 0 to 1; SKIPPED deliveries do not count. Null where there are none.
    success_rate: Option<f64>,
    /// The number of requests sent.
    attempts: u64,
    /// The response times of each delivery's last request, in milliseconds.
    response_time_ms: ResponseTime,
}

/// Response times in milliseconds; null where there were no requests.
///
/// Percentiles are exact below 50 ms and within 1 % of the value at their rank above.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResponseTime {
    /// The median.
    p50: Option<u64>,
    /// The 95th percentile.
    p95: Option<u64>,
    /// The 99th percentile.
    p99: Option<u64>,
    /// The mean.
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
