//! Telling scheduler that rows were planned, and dlq-retrier that dead letters will be due: once they are durable, so that they are found
//! by whoever looks.

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

/// A nudge that takes longer is not worth waiting for: whoever is nudged looks by itself once a minute.
const PATIENCE: Duration = Duration::from_secs(1);
/// Dead letters come in swarms where a target is down; they are due later than this in any case.
const BETWEEN_SWARMS: Duration = Duration::from_millis(200);

/// The earliest of what was planned and scheduler was not told of.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    earliest: Mutex<Option<Timestamp>>,
    wish: Notify,
    dead_letters: Notify,
}

/// A journal that announces what it has planned.
pub(crate) struct AnnouncingJournal {
    journal: Arc<dyn Journal>,
    announcements: Arc<Announcements>,
}

impl Announcements {
    fn wish(&self, at: Timestamp) {
        let mut earliest = self.earliest.lock();
        *earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        self.wish.notify_one();
    }

    /// Tells every scheduler there is, until told to stop. Whatever is wished meanwhile is told in one.
    pub(crate) async fn run(self: Arc<Self>, schedulers: Fleet, stop: CancellationToken) {
        let telling = async {
            loop {
                self.wish.notified().await;
                let earliest = self.earliest.lock().take();
                if let Some(earliest) = earliest {
                    tell(&schedulers, earliest).await;
                }
            }
        };
        stop.run_until_cancelled(telling).await;
    }

    /// Tells every dlq-retrier there is of new dead letters, until told to stop.
    pub(crate) async fn run_dead_letters(self: Arc<Self>, retriers: Fleet, stop: CancellationToken) {
        let telling = async {
            loop {
                self.dead_letters.notified().await;
                tell_retriers(&retriers).await;
                tokio::time::sleep(BETWEEN_SWARMS).await;
            }
        };
        stop.run_until_cancelled(telling).await;
    }
}

async fn tell_retriers(retriers: &Fleet) {
    let told = retriers.on_each(|client| async move {
        let mut request = Request::new(DlqNudgeRequest {});
        request.set_timeout(PATIENCE);
        DlqServiceClient::new(client).nudge(request).await.map(drop)
    });
    noted("dlq-retrier", tokio::time::timeout(PATIENCE, told).await);
}

async fn tell(schedulers: &Fleet, earliest: Timestamp) {
    let told = schedulers.on_each(|client| async move {
        let mut request = Request::new(SchedulerNudgeRequest::of(earliest));
        request.set_timeout(PATIENCE);
        SchedulerServiceClient::new(client).nudge(request).await.map(drop)
    });
    noted("scheduler", tokio::time::timeout(PATIENCE, told).await);
}

type Told = Result<Vec<(SocketAddr, Result<(), Status>)>, Status>;

fn noted(service: &'static str, told: Result<Told, Elapsed>) {
    match told {
        Ok(Ok(answers)) => {
            for (address, answer) in answers {
                if let Err(status) = answer {
                    tracing::debug!(service, %address, %status, "one was not nudged, it will look by itself");
                }
            }
        }
        Ok(Err(status)) => tracing::debug!(service, %status, "none was nudged, they will look by themselves"),
        Err(_elapsed) => tracing::debug!(service, "none was nudged in time, they will look by themselves"),
    }
}

impl AnnouncingJournal {
    /// The same journal, with its announcements.
    pub(crate) fn new(journal: Arc<dyn Journal>, announcements: Arc<Announcements>) -> Self {
        Self { journal, announcements }
    }
}

#[async_trait]
impl Journal for AnnouncingJournal {
    async fn record(&self, entries: &[JournalEntry]) -> Result<(), StoreError> {
        self.journal.record(entries).await?;
        if let Some(earliest) = entries.iter().filter_map(planned_for).min() {
            self.announcements.wish(earliest);
        }
        if entries.iter().any(is_due_later) {
            self.announcements.dead_letters.notify_one();
        }
        Ok(())
    }

    async fn recorded(&self, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        self.journal.recorded(logs).await
    }

    async fn planned(&self, rows: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        self.journal.planned(rows).await
    }

    async fn decided(&self, source: &SourceId, positions: &[RangeInclusive<Position>]) -> Result<Vec<EventAudit>, StoreError> {
        self.journal.decided(source, positions).await
    }

    async fn seen_since(&self, since: Timestamp) -> Result<Vec<SeenEvent>, StoreError> {
        self.journal.seen_since(since).await
    }
}

/// Whether a dead letter is to be tried again by itself.
fn is_due_later(entry: &JournalEntry) -> bool {
    match entry {
        JournalEntry::Delivery { dead_letter, .. } => dead_letter.as_ref().is_some_and(|letter| letter.next_retry_at.is_some()),
        JournalEntry::Scheduled(_)
        | JournalEntry::CalledOff(_)
        | JournalEntry::Audit(_)
        | JournalEntry::Redecided(_)
        | JournalEntry::Redelivery { .. }
        | JournalEntry::Seen(_) => false,
    }
}

fn planned_for(entry: &JournalEntry) -> Option<Timestamp> {
    match entry {
        JournalEntry::Scheduled(delivery) => Some(delivery.scheduled_for),
        JournalEntry::CalledOff(call_off) => call_off.replacement.as_ref().map(|delivery| delivery.scheduled_for),
        JournalEntry::Audit(_)
        | JournalEntry::Redecided(_)
        | JournalEntry::Delivery { .. }
        | JournalEntry::Redelivery { .. }
        | JournalEntry::Seen(_) => None,
    }
}
