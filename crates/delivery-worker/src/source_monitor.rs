//! Looks at a source's head once a second: how far reading lags behind it, and whether it shows less than it has shown before.
//!
//! A table that was emptied and begins anew gives out numbers that were read already: its rows lie below the checkpoint and are passed
//! over. A copy that lags looks the same and must not be read again. People have to say which it is, so they are told.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::audit::SkipReason;
use ig_core::clock::Clock;
use ig_core::id::Position;
use ig_core::ports::Alerts as _;
use tokio_util::sync::CancellationToken;

use crate::alerting::Alerting;
use crate::dispatcher::Dispatch;
use crate::metrics;
use crate::reader::SourceState;

const EVERY: Duration = Duration::from_secs(1);
/// A copy may lag for so long before people are told.
const PATIENCE: Duration = Duration::from_secs(10);

/// The task that looks at one source's head.
pub(crate) struct SourceWatch {
    /// The source.
    pub state: Arc<SourceState>,
    /// Where what is wrong with it is noted.
    pub dispatch: Arc<Dispatch>,
    /// How people are told.
    pub alerting: Alerting,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl SourceWatch {
    /// Looks until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut is_behind = false;
        while !stop.is_cancelled() {
            // A source that is away has no head that we could know; the reader says that it is away.
            if let (Some(complete_to), Ok(head)) = (self.state.tracker.complete_to(), self.state.source.head().await) {
                metrics::lag(
                    self.state.source.id(),
                    head.saturating_sub(complete_to),
                    self.state.tracker.oldest_age(),
                );
                is_behind = self.look(head, is_behind).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Says whether the source is behind what it has shown; people are told when that begins. An empty table shows nothing that could
    /// be passed over.
    async fn look(&self, head: Position, was_behind: bool) -> bool {
        let (source, shown) = (self.state.source.id(), self.state.shown());
        let behind_for = self.state.behind_for(head);
        let is_behind = head > 0 && head < shown && behind_for >= PATIENCE;
        metrics::behind(source, if is_behind { shown - head } else { 0 });
        if is_behind && !was_behind {
            let message = format!(
                "Source {source} shows rows up to {head} and has shown rows up to {shown} before. New rows up to {shown} are passed over. If \
                 it is a copy that lags, it will catch up; if its table has begun anew, have it read again: igctl sources rewind --source \
                 {source} --to 0 --anew"
            );
            tracing::error!(%source, head, shown, "a source shows less than it has shown before");
            self.dispatch.audit_source(source, SkipReason::SourceBehind, &message);
            self.alerting.raise(&self.alert(message)).await;
        } else if was_behind && !is_behind {
            tracing::info!(%source, head, "a source shows what it has shown before");
        }
        is_behind
    }

    fn alert(&self, message: String) -> Alert {
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
