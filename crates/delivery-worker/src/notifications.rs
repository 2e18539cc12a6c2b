//! Notifies scheduler of planned rows, and dlq-retrier of dead letters, once they are durable and can be found.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ig_core::audit::EventAudit;
use ig_core::clock::Timestamp;
use ig_core::dedup::SeenEvent;
use ig_core::id::{LogId, Position, SourceId};
use ig_core::ports::{Journal, JournalEntry, StoreError};
use ig_proto::v1::dlq_service_client::DlqServiceClient;
use ig_proto::v1::scheduler_service_client::SchedulerServiceClient;
use ig_proto::v1::{DlqNudgeRequest, SchedulerNudgeRequest};
use ig_service::grpc::Fleet;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::error::Elapsed;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

/// A nudge that takes longer is not worth the wait: its receiver polls once a minute by itself.
const NUDGE_TIMEOUT: Duration = Duration::from_secs(1);
/// A target that is down causes many dead letters at once; none is due sooner than this.
const DEAD_LETTER_INTERVAL: Duration = Duration::from_millis(200);

/// What other services have yet to be notified of: the earliest planned time, and new dead letters.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    earliest_planned: Mutex<Option<Timestamp>>,
    planned: Notify,
    dead_letters: Notify,
}

/// A journal that notifies other services of what it has recorded.
pub(crate) struct NotifyingJournal {
    journal: Arc<dyn Journal>,
    notifications: Arc<Notifications>,
}

impl Notifications {
    fn add_planned(&self, at: Timestamp) {
        let mut earliest = self.earliest_planned.lock();
        *earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        self.planned.notify_one();
    }

    /// Nudges every scheduler until `stop` fires. Rows planned meanwhile share one nudge.
    pub(crate) async fn notify_schedulers(self: Arc<Self>, schedulers: Fleet, stop: CancellationToken) {
        let notifying = async {
            loop {
                self.planned.notified().await;
                let earliest = self.earliest_planned.lock().take();
                if let Some(earliest) = earliest {
                    nudge_schedulers(&schedulers, earliest).await;
                }
            }
        };
        stop.run_until_cancelled(notifying).await;
    }

    /// Nudges every dlq-retrier about new dead letters until `stop` fires.
    pub(crate) async fn notify_retriers(self: Arc<Self>, retriers: Fleet, stop: CancellationToken) {
        let notifying = async {
            loop {
                self.dead_letters.notified().await;
                nudge_retriers(&retriers).await;
                tokio::time::sleep(DEAD_LETTER_INTERVAL).await;
            }
        };
        stop.run_until_cancelled(notifying).await;
    }
}

async fn nudge_retriers(retriers: &Fleet) {
    let nudged = retriers.on_each(|client| async move {
        let mut request = Request::new(DlqNudgeRequest {});
        request.set_timeout(NUDGE_TIMEOUT);
        DlqServiceClient::new(client).nudge(request).await.map(drop)
    });
    log_failures("dlq-retrier", tokio::time::timeout(NUDGE_TIMEOUT, nudged).await);
}

async fn nudge_schedulers(schedulers: &Fleet, earliest: Timestamp) {
    let nudged = schedulers.on_each(|client| async move {
        let mut request = Request::new(SchedulerNudgeRequest::of(earliest));
        request.set_timeout(NUDGE_TIMEOUT);
        SchedulerServiceClient::new(client).nudge(request).await.map(drop)
    });
    log_failures("scheduler", tokio::time::timeout(NUDGE_TIMEOUT, nudged).await);
}

type NudgeResults = Result<Vec<(SocketAddr, Result<(), Status>)>, Status>;

fn log_failures(service: &'static str, nudged: Result<NudgeResults, Elapsed>) {
    match nudged {
        Ok(Ok(results)) => {
            for (address, result) in results {
                if let Err(status) = result {
                    tracing::debug!(service, %address, %status, "one was not nudged, it will look by itself");
                }
            }
        }
        Ok(Err(status)) => tracing::debug!(service, %status, "none was nudged, they will look by themselves"),
        Err(_elapsed) => tracing::debug!(service, "none was nudged in time, they will look by themselves"),
    }
}

impl NotifyingJournal {
    /// Wraps a journal.
    pub(crate) fn new(journal: Arc<dyn Journal>, notifications: Arc<Notifications>) -> Self {
        Self { journal, notifications }
    }
}

#[async_trait]
impl Journal for NotifyingJournal {
    async fn record(&self, entries: &[JournalEntry]) -> Result<(), StoreError> {
        self.journal.record(entries).await?;
        if let Some(earliest) = entries.iter().filter_map(scheduled_time).min() {
            self.notifications.add_planned(earliest);
        }
        if entries.iter().any(has_automatic_retry) {
            self.notifications.dead_letters.notify_one();
        }
        Ok(())
    }

    async fn recorded(&self, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        self.journal.recorded(logs).await
    }

    async fn scheduled(&self, rows: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        self.journal.scheduled(rows).await
    }

    async fn decisions(&self, source: &SourceId, positions: &[RangeInclusive<Position>]) -> Result<Vec<EventAudit>, StoreError> {
        self.journal.decisions(source, positions).await
    }

    async fn seen_since(&self, since: Timestamp) -> Result<Vec<SeenEvent>, StoreError> {
        self.journal.seen_since(since).await
    }
}

/// Whether the entry has a dead letter that will be retried automatically.
fn has_automatic_retry(entry: &JournalEntry) -> bool {
    match entry {
        JournalEntry::Delivery { dead_letter, .. } => dead_letter.as_ref().is_some_and(|letter| letter.next_retry_at.is_some()),
        JournalEntry::Scheduled(_)
        | JournalEntry::Cancellation(_)
        | JournalEntry::Audit(_)
        | JournalEntry::Redecided(_)
        | JournalEntry::Retry { .. }
        | JournalEntry::Seen(_) => false,
    }
}

fn scheduled_time(entry: &JournalEntry) -> Option<Timestamp> {
    match entry {
        JournalEntry::Scheduled(delivery) => Some(delivery.scheduled_for),
        JournalEntry::Cancellation(event) => event.replacement.as_ref().map(|delivery| delivery.scheduled_for),
        JournalEntry::Audit(_)
        | JournalEntry::Redecided(_)
        | JournalEntry::Delivery { .. }
        | JournalEntry::Retry { .. }
        | JournalEntry::Seen(_) => None,
    }
}
