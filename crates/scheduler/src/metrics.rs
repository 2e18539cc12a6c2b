//! What the scheduler counts.

use std::time::Duration;

use ig_core::scheduled::ScheduledStatus;
use metrics::{counter, gauge, histogram};

/// Counter, by status: scheduled deliveries that ended.
const ENDED: &str = "ig_scheduled_deliveries_total";
/// Histogram: how long after its time a delivery ended.
const LATE: &str = "ig_scheduled_late_seconds";
/// Gauge: deliveries that are due and wait for their turn.
const WAITING: &str = "ig_scheduled_waiting";

/// A delivery ended, so long after its time.
pub(crate) fn ended(status: ScheduledStatus, late: Duration) {
    counter!(ENDED, "status" => status.as_str()).increment(1);
    histogram!(LATE).record(late);
}

/// So many are due and wait.
pub(crate) fn waiting(deliveries: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!(WAITING).set(deliveries as f64);
}
