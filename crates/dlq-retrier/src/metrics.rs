//! The metrics of retries.

use ig_core::dead_letter_retry::RetryResult;

/// Counter, by outcome: retries of dead letters.
const RETRIES: &str = "ig_dlq_retries_total";
/// Gauge: due dead letters at the last poll.
const DUE: &str = "ig_dlq_due";
/// Label: the outcome of a retry.
const OUTCOME: &str = "outcome";

/// Counts a retry.
pub(crate) fn count_retry(retried: &RetryResult) {
    let outcome = match retried {
        RetryResult::Delivered { .. } => "delivered",
        RetryResult::Failed(_) => "failed",
        RetryResult::NotTried { .. } => "not_tried",
        RetryResult::Impossible { .. } => "impossible",
    };
    metrics::counter!(RETRIES, OUTCOME => outcome).increment(1);
}

/// Sets the number of due dead letters.
pub(crate) fn set_due(count: usize) {
    metrics::gauge!(DUE).set(count as f64);
}
