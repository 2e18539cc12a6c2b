//! The scheduler's metrics.

use std::time::Duration;

use ig_core::scheduled::ScheduledStatus;
use metrics::{counter, gauge, histogram};

/// Counter, by status: ended scheduled deliveries.
const ENDED_TOTAL: &str = "ig_scheduled_deliveries_total";
/// Histogram: seconds between a delivery's scheduled time and its end.
const LATENESS: &str = "ig_scheduled_late_seconds";
/// Gauge: due deliveries that wait for a slot.
const WAITING: &str = "ig_scheduled_waiting";

/// Counts an ended delivery and its lateness.
pub(crate) fn record_ended(status: ScheduledStatus, late: Duration) {
    counter!(ENDED_TOTAL, "status" => status.as_str()).increment(1);
    histogram!(LATENESS).record(late);
}

/// Sets the number of waiting deliveries.
pub(crate) fn set_waiting(deliveries: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!(WAITING).set(deliveries as f64);
}
