//! Writes the logs of calls to the database: off the path of calls, in batches, and with bounded capacity.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ig_core::inbound::Logging;
use ig_core::ports::JournalEntry;
use ig_service::{Context, TaskKind};
use ig_store::{JournalQueue, JournalWaiter, Store, journal_queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::metrics;
use crate::config::RuntimeConfig;
use crate::nudge::Nudge;

/// How long the writers may take for the remaining logs once no call is served any more.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls have no order among them, so one batch is prepared while another is written.
const WRITERS: usize = 2;
/// How long a call waits for a log permit, including the pause.
const PERMIT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a call pauses when the capacity is nearly exhausted.
const MAX_PAUSE: Duration = Duration::from_millis(250);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A permit for one log, released when the log is durable.
#[derive(Debug)]
pub(super) struct LogPermit {
    _permit: OwnedSemaphorePermit,
    /// Nudges the retrier when the log's dead letter is durable and will be due.
    nudge: Option<Nudge>,
}

impl JournalWaiter for LogPermit {
    fn durable(self) {
        if let Some(nudge) = self.nudge {
            nudge.request();
        }
    }
}

/// The fate of a call's log.
#[derive(Debug)]
pub(super) enum LogAdmission {
    /// The log has its permit.
    Granted(LogPermit),
    /// There is no capacity, and the call continues without a log.
    Skipped,
    /// There is no capacity, and the call must not continue.
    Refused,
}

/// Accepts the logs of calls.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    queues: [JournalQueue<LogPermit>; WRITERS],
    next_queue: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
    capacity: usize,
    retention_days: u32,
    dead_letters: Nudge,
}

impl Recording {
    /// Starts the writers. They end once no call is served any more and all logs are written. Dead letters nudge the retrier.
    pub(crate) fn start(
        config: &RuntimeConfig,
        context: &Context,
        store: &Store,
        dead_letters: Nudge,
        served: CancellationToken,
    ) -> Self {
        let (last, capacity) = (CancellationToken::new(), config.max_unrecorded.min(Semaphore::MAX_PERMITS));
        let permits = Arc::new(Semaphore::new(capacity));
        let queues = std::array::from_fn(|_| {
            let (queue, writer) = journal_queue(Arc::new(store.journal()));
            context.spawn("logs of calls", TaskKind::RunsUntilShutdown, writer.run(last.clone()));
            queue
        });
        let all = Arc::clone(&permits);
        context.spawn("end of the logs of calls", TaskKind::RunsUntilShutdown, async move {
            served.cancelled().await;
            let _ = tokio::time::timeout(DRAIN_TIMEOUT, wait_until_written(&all, capacity)).await;
            last.cancel();
        });
        Self {
            queues,
            next_queue: Arc::default(),
            permits,
            capacity,
            retention_days: config.retention_days,
            dead_letters,
        }
    }

    /// A permit for one call's log, taken before anything is sent. Where logs come faster than they are written, a call waits
    /// briefly. The limit of calls in flight bounds the number of waiting calls.
    pub(super) async fn admit(&self, logging: Logging) -> LogAdmission {
        match (self.permit(logging).await, logging) {
            (Some(permit), _) => LogAdmission::Granted(LogPermit {
                _permit: permit,
                nudge: None,
            }),
            (None, Logging::BestEffort) => {
                metrics::log_lost();
                LogAdmission::Skipped
            }
            (None, Logging::Required) => LogAdmission::Refused,
        }
    }

    async fn permit(&self, logging: Logging) -> Option<OwnedSemaphorePermit> {
        let permits = Arc::clone(&self.permits);
        if logging == Logging::BestEffort {
            return permits.try_acquire_owned().ok();
        }
        let taken = self.capacity.saturating_sub(permits.available_permits());
        let waiting = async {
            if let Some(pause) = backpressure(taken, self.capacity) {
                tokio::time::sleep(pause).await;
            }
            permits.acquire_owned().await.ok()
        };
        tokio::time::timeout(PERMIT_TIMEOUT, waiting).await.ok()?
    }

    /// Hands over a log.
    pub(super) fn record(&self, entry: JournalEntry, mut permit: LogPermit) {
        let is_due = matches!(&entry, JournalEntry::Delivery { dead_letter: Some(letter), .. } if letter.next_retry_at.is_some());
        permit.nudge = is_due.then(|| self.dead_letters.clone());
        let index = self.next_queue.fetch_add(1, Ordering::Relaxed);
        self.queues[index % WRITERS].send(entry, permit);
    }

    /// How long logs are kept unless an organisation says otherwise.
    pub(super) fn retention_days(&self) -> u32 {
        self.retention_days
    }
}

/// Waits for the logs of all calls in flight.
async fn wait_until_written(permits: &Semaphore, capacity: usize) {
    while permits.available_permits() < capacity {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// How long a call pauses before it takes a permit: not at all up to half of the capacity, then increasingly. The pause spreads
/// calls evenly; without it, they would advance in bursts, because permits are released a batch at a time.
fn backpressure(taken: usize, capacity: usize) -> Option<Duration> {
    let above_half = taken.checked_sub(capacity / 2).filter(|above| *above > 0)?;
    let share = above_half as f64 / (capacity - capacity / 2) as f64;
    Some(MAX_PAUSE.mul_f64(share.min(1.0).powi(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn call_pause_grows_as_log_capacity_fills_up(capacity in 1usize..10_000, taken in 0usize..10_000) {
            let taken = taken % (capacity + 1);
            let paused = backpressure(taken, capacity).unwrap_or_default();
            proptest::prop_assert_eq!(backpressure(taken, capacity).is_some(), taken > capacity / 2);
            proptest::prop_assert!(paused <= MAX_PAUSE && paused <= backpressure(taken + 1, capacity).unwrap_or_default());
            proptest::prop_assert_eq!(backpressure(capacity, capacity), Some(MAX_PAUSE));
        }
    }
}
