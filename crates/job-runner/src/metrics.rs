//! The runner's metrics.

use std::time::Duration;

use ig_core::job::{JobRun, RunTrigger};
use metrics::{counter, gauge, histogram};

/// Counter, by status: ended runs.
const RUNS: &str = "ig_job_runs_total";
/// Histogram: seconds that a run took.
const DURATION: &str = "ig_job_run_seconds";
/// Counter: records that jobs fetched.
const RECORDS: &str = "ig_job_records_total";
/// Histogram: seconds between the time of a firing and the start of its run.
const LATENESS: &str = "ig_job_late_seconds";
/// Gauge: runs under way in this process.
const UNDER_WAY: &str = "ig_job_runs_under_way";

/// Counts an ended run.
pub(crate) fn record_ended(run: &JobRun) {
    counter!(RUNS, "status" => run.status.as_str()).increment(1);
    counter!(RECORDS).increment(run.counts.records_fetched);
    if let Some(completed_at) = run.completed_at {
        histogram!(DURATION).record(between(run.started_at, completed_at));
    }
}

/// Records how late a scheduled run began.
pub(crate) fn record_begun(run: &JobRun) {
    if let RunTrigger::Scheduled { due_at } = &run.trigger {
        histogram!(LATENESS).record(between(*due_at, run.started_at));
    }
}

/// Sets the number of runs under way.
pub(crate) fn set_under_way(runs: usize) {
    gauge!(UNDER_WAY).set(runs as f64);
}

fn between(start: ig_core::clock::Timestamp, end: ig_core::clock::Timestamp) -> Duration {
    end.signed_duration_since(start).to_std().unwrap_or_default()
}
