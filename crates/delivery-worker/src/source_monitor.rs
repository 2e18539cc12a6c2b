//! Checks a source's head once a second: how far reading lags behind it, and whether the source has fallen behind its own head.
//!
//! A table that was emptied and begins anew reuses positions that were read already: its rows lie below the checkpoint and are skipped. A
//! replica that lags looks the same and must not be read again. Only people can tell which it is, so the worker raises an alert.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::audit::SkipReason;
use ig_core::clock::Clock;
use ig_core::id::Position;
use ig_core::ports::Alerts as _;
use tokio_util::sync::CancellationToken;

use crate::dispatcher::Dispatcher;
use crate::metrics;
use crate::reader::SourceState;
use ig_peers::AlertClient;

const INTERVAL: Duration = Duration::from_secs(1);
/// How long a replica may lag before people are alerted.
const ALERT_AFTER: Duration = Duration::from_secs(10);

/// The task that monitors one source's head.
pub(crate) struct SourceMonitor {
    pub state: Arc<SourceState>,
    /// Records what is wrong with the source.
    pub dispatcher: Arc<Dispatcher>,
    /// Alerts people.
    pub alerting: AlertClient,
    pub clock: Arc<dyn Clock>,
}

impl SourceMonitor {
    /// Runs until `stop` fires.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut is_behind = false;
        while !stop.is_cancelled() {
            // The head of an unavailable source is unknown; the reader reports that it is unavailable.
            if let (Some(complete_to), Ok(head)) = (self.state.tracker.complete_to(), self.state.source.head().await) {
                metrics::set_lag(
                    self.state.source.id(),
                    head.saturating_sub(complete_to),
                    self.state.tracker.oldest_age(),
                );
                is_behind = self.check_head(head, is_behind).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    /// Returns whether the source is behind its own head; alerts people when that begins. An empty table has no rows that could be skipped.
    async fn check_head(&self, head: Position, was_behind: bool) -> bool {
        let (source, shown) = (self.state.source.id(), self.state.highest_shown());
        let behind_for = self.state.behind_for(head);
        let is_behind = head > 0 && head < shown && behind_for >= ALERT_AFTER;
        metrics::set_positions_behind(source, if is_behind { shown - head } else { 0 });
        if is_behind && !was_behind {
            let message = format!(
                "Source {source} shows rows up to {head} and has shown rows up to {shown} before. New rows up to {shown} are passed over. If \
                 it is a copy that lags, it will catch up; if its table has begun anew, have it read again: igctl sources rewind --source \
                 {source} --to 0 --anew"
            );
            tracing::error!(%source, head, shown, "a source shows less than it has shown before");
            self.dispatcher
                .record_source_audit(source, SkipReason::SourceBehind, &message);
            self.alerting.raise(&self.new_alert(message)).await;
        } else if was_behind && !is_behind {
            tracing::info!(%source, head, "a source shows what it has shown before");
        }
        is_behind
    }

    fn new_alert(&self, message: String) -> Alert {
        Alert {
            org_id: None,
            kind: "source-behind".to_owned(),
            key: self.state.source.id().to_string(),
            severity: Severity::Critical,
            message,
            at: self.clock.now(),
        }
    }
}
