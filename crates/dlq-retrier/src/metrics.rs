//! The metrics of retries.

use ig_core::redelivery::Retried;

/// Counter, by outcome: retries of dead letters.
const RETRIES: &str = "ig_dlq_retries_total";
/// Gauge: due dead letters at the last poll.
const DUE: &str = "ig_dlq_due";
/// Label: the outcome of a retry.
const OUTCOME: &str = "outcome";

/// Counts a retry.
pub(crate) fn count_retry(retried: &Retried) {
    let outcome = match retried {
        Retried::Delivered { .. } => "delivered",
        Retried::Failed(_) => "failed",
        Retried::NotTried { .. } => "not_tried",
        Retried::Impossible { .. } => "impossible",
    };
    metrics::counter!(RETRIES, OUTCOME => outcome).increment(1);
}

/// Sets the number of due dead letters.
pub(crate) fn set_due(count: usize) {
    metrics::gauge!(DUE).set(count as f64);
}
