//! Telling scheduler that rows were planned: once they are durable, so that it finds them when it looks.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ig_core::audit::EventAudit;
use ig_core::clock::Timestamp;
use ig_core::dedup::SeenEvent;
use ig_core::id::{LogId, Position, SourceId};
use ig_core::ports::{Journal, JournalEntry, StoreError};
use ig_proto::v1::SchedulerNudgeRequest;
use ig_proto::v1::scheduler_service_client::SchedulerServiceClient;
use ig_service::grpc::Fleet;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// A nudge that takes longer is not worth waiting for: scheduler looks by itself once a minute.
const PATIENCE: Duration = Duration::from_secs(1);

/// The earliest of what was planned and scheduler was not told of.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    earliest: Mutex<Option<Timestamp>>,
    wish: Notify,
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
}

async fn tell(schedulers: &Fleet, earliest: Timestamp) {
    let told = schedulers.on_each(|client| async move {
        let mut request = Request::new(SchedulerNudgeRequest::of(earliest));
        request.set_timeout(PATIENCE);
        SchedulerServiceClient::new(client).nudge(request).await.map(drop)
    });
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok(answers)) => {
            for (scheduler, answer) in answers {
                if let Err(status) = answer {
                    tracing::debug!(%scheduler, %status, "a scheduler was not nudged, it will look by itself");
                }
            }
        }
        Ok(Err(status)) => tracing::debug!(%status, "no scheduler was nudged, they will look by themselves"),
        Err(_elapsed) => tracing::debug!("no scheduler was nudged in time, they will look by themselves"),
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
