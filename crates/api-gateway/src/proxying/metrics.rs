//! What is counted of calls.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Counter: calls by how they ended.
const CALLS: &str = "ig_inbound_calls_total";
/// Histogram: how long calls took, to the last byte of the answer.
const DURATION: &str = "ig_inbound_call_duration_seconds";
/// Gauge: calls under way.
const IN_FLIGHT: &str = "ig_inbound_calls_in_flight";
/// Counter: calls that there was no room for, by what there was no room in.
const SHED: &str = "ig_inbound_calls_shed_total";
/// Counter: logs of calls that there was no room for.
const LOGS_LOST: &str = "ig_inbound_logs_lost_total";

/// A call begins.
pub(super) fn began() {
    gauge!(IN_FLIGHT).increment(1.0);
}

/// A call has ended.
pub(super) fn ended(outcome: &'static str, took: Duration) {
    gauge!(IN_FLIGHT).decrement(1.0);
    counter!(CALLS, "outcome" => outcome).increment(1);
    histogram!(DURATION).record(took);
}

/// There was no room for a call.
pub(super) fn shed(reason: &'static str) {
    counter!(SHED, "reason" => reason).increment(1);
}

/// There was no room for a call's log.
pub(super) fn log_lost() {
    counter!(LOGS_LOST).increment(1);
}
