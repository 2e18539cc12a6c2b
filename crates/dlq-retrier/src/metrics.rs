//! What is measured.

use ig_core::redelivery::Retried;

/// Counter, by what came of it: retries of dead letters.
const RETRIES: &str = "ig_dlq_retries_total";
/// Gauge: dead letters that were due at the last look.
const DUE: &str = "ig_dlq_due";
/// Label: what came of it.
const OUTCOME: &str = "outcome";

/// A retry ended.
pub(crate) fn retried(retried: &Retried) {
    let outcome = match retried {
        Retried::Delivered { .. } => "delivered",
        Retried::Failed(_) => "failed",
        Retried::NotTried { .. } => "not_tried",
        Retried::Impossible { .. } => "impossible",
    };
    metrics::counter!(RETRIES, OUTCOME => outcome).increment(1);
}

/// So many were due.
pub(crate) fn due(count: usize) {
    metrics::gauge!(DUE).set(count as f64);
}
