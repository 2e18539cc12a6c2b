//! Looks at the worker once a second and says how much is under way.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::lanes::{Budget, Lanes};
use crate::metrics;
use crate::reader::SourceState;

const EVERY: Duration = Duration::from_secs(1);

/// Looks until told to stop.
pub(crate) async fn run(sources: Vec<Arc<SourceState>>, lanes: Arc<Lanes>, budget: Arc<Budget>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let in_flight = sources.iter().map(|state| state.tracker.in_flight()).sum();
        let apart = sources.iter().map(|state| state.tracker.apart()).sum();
        metrics::under_way(in_flight, lanes.len(), budget.used(), apart);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
