//! Sets the gauges of work in progress once a second.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::lanes::{Lanes, MemoryBudget};
use crate::metrics;
use crate::reader::SourceState;

const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop` fires.
pub(crate) async fn run(sources: Vec<Arc<SourceState>>, lanes: Arc<Lanes>, budget: Arc<MemoryBudget>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let in_flight = sources.iter().map(|state| state.tracker.in_flight()).sum();
        let backlogs = sources.iter().map(|state| state.tracker.deferred_count()).sum();
        metrics::set_work_in_progress(in_flight, lanes.len(), budget.used(), backlogs);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}
