//! The worker's metrics.

use std::time::Duration;

use ig_core::audit::Decision;
use ig_core::delivery_log::{Attempt, DeliveryLog};
use ig_core::id::SourceId;
use metrics::{counter, gauge, histogram};

use crate::names;

/// A source was read.
pub(crate) fn record_poll(source: &SourceId, rows: usize, took: Duration) {
    histogram!(names::POLL_DURATION, "source" => source.to_string()).record(took);
    histogram!(names::POLL_ROWS, "source" => source.to_string()).record(to_float(rows));
}

/// A source could not be read.
pub(crate) fn count_failed_poll(source: &SourceId) {
    counter!(names::POLL_FAILURES, "source" => source.to_string()).increment(1);
}

/// How far behind a source is: unread rows, and the age of the oldest event in flight.
pub(crate) fn set_lag(source: &SourceId, rows: u64, oldest: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!(names::LAG_ROWS, "source" => source.to_string()).set(rows as f64);
    gauge!(names::LAG_SECONDS, "source" => source.to_string()).set(oldest);
}

/// By how many positions a source has fallen behind its own head.
pub(crate) fn set_positions_behind(source: &SourceId, positions: u64) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!(names::POSITIONS_BEHIND, "source" => source.to_string()).set(positions as f64);
}

/// Gaps were watched to the end and never filled.
pub(crate) fn count_expired_gaps(source: &SourceId, positions: u64) {
    counter!(names::GAPS_GIVEN_UP, "source" => source.to_string()).increment(positions);
}

/// An event was decided about.
pub(crate) fn count_decision(source: &SourceId, decision: Decision) {
    let decision = match decision {
        Decision::Matched { .. } | Decision::Scheduled { .. } => decision.status().as_str(),
        Decision::Skipped(reason) => reason.as_str(),
    };
    counter!(names::EVENTS, "source" => source.to_string(), "decision" => decision).increment(1);
}

/// A waiting event was gone from its source when its lane reached it.
pub(crate) fn count_gone_event(source: &SourceId) {
    counter!(names::EVENTS_GONE, "source" => source.to_string()).increment(1);
}

/// A payload violates the schema of its type.
pub(crate) fn count_schema_violation(validation: &'static str) {
    counter!(names::SCHEMA_VIOLATIONS, "validation" => validation).increment(1);
}

/// An attempt ended.
pub(crate) fn record_attempt(attempt: &Attempt) {
    let outcome = attempt
        .failure
        .as_ref()
        .map_or("SUCCESS", |failure| failure.category.as_str());
    histogram!(names::ATTEMPT_DURATION, "outcome" => outcome).record(attempt.duration);
}

/// A delivery ended.
pub(crate) fn count_delivery(log: &DeliveryLog) {
    let category = log.error.as_ref().map_or("NONE", |(category, _)| category.as_str());
    counter!(names::DELIVERIES, "status" => log.status.as_str(), "error_category" => category).increment(1);
}

/// How many partitions this worker holds.
pub(crate) fn set_held_partitions(partitions: usize) {
    gauge!(names::PARTITIONS).set(to_float(partitions));
}

/// How much work is in progress.
pub(crate) fn set_work_in_progress(events: usize, lanes: usize, payload_bytes: usize, backlogs: usize) {
    gauge!(names::IN_FLIGHT).set(to_float(events));
    gauge!(names::LANES).set(to_float(lanes));
    gauge!(names::PAYLOAD_BYTES).set(to_float(payload_bytes));
    gauge!(names::DEFERRED_STREAMS).set(to_float(backlogs));
}

#[expect(clippy::cast_precision_loss, reason = "a measurement is a float")]
fn to_float(number: usize) -> f64 {
    number as f64
}
