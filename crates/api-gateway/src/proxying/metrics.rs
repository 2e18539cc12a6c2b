//! Metrics of calls.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Counter: calls by outcome.
const CALLS: &str = "ig_inbound_calls_total";
/// Histogram: the duration of calls, to the last byte of the response.
const DURATION: &str = "ig_inbound_call_duration_seconds";
/// Gauge: calls in flight.
const IN_FLIGHT: &str = "ig_inbound_calls_in_flight";
/// Counter: calls that were shed, by the exhausted capacity.
const SHED: &str = "ig_inbound_calls_shed_total";
/// Counter: logs of calls that were lost for lack of capacity.
const LOGS_LOST: &str = "ig_inbound_logs_lost_total";

/// Counts the start of a call.
pub(super) fn call_started() {
    gauge!(IN_FLIGHT).increment(1.0);
}

/// Counts the end of a call.
pub(super) fn call_ended(outcome: &'static str, took: Duration) {
    gauge!(IN_FLIGHT).decrement(1.0);
    counter!(CALLS, "outcome" => outcome).increment(1);
    histogram!(DURATION).record(took);
}

/// Counts a call that was shed.
pub(super) fn shed(reason: &'static str) {
    counter!(SHED, "reason" => reason).increment(1);
}

/// Counts a log that was lost.
pub(super) fn log_lost() {
    counter!(LOGS_LOST).increment(1);
}
