//! Writes the outcomes of claimed deliveries in batches, and then their successors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use futures::StreamExt as _;
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::ScheduledId;
use ig_core::ports::StoreError;
use ig_core::schedule::MaxOverdue;
use ig_core::scheduled::{OccurrenceOutcome, ScheduledDelivery};
use ig_store::{DeliveryClaim, Integrations, ScheduledDeliveries};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::backlog::Backlog;
use crate::metrics;
use crate::wake_signal::WakeSignal;

/// The most outcomes in one batch.
const MAX_BATCH: usize = 500;
/// The most single writes at once.
const MAX_CONCURRENT_WRITES: usize = 16;
/// After so many attempts the claim is as good as over.
const MAX_ATTEMPTS: u32 = 8;
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// The outcome of a claimed delivery.
#[derive(Debug)]
pub(crate) enum ClaimOutcome {
    /// The delivery has ended.
    Settled {
        /// The delivery.
        delivery: Box<ScheduledDelivery>,
        /// How it ended.
        outcome: OccurrenceOutcome,
        /// Whether a series goes on with its next occurrence.
        recurs: bool,
    },
    /// The delivery had ended before; only its successor is missing.
    OwesSuccessor(Box<ScheduledDelivery>),
    /// The delivery could not be executed now and is due again at the given time.
    DueAgain(ScheduledId, Timestamp),
}

impl ClaimOutcome {
    /// A delivery that has ended and whose series, if any, goes on.
    pub(crate) fn settled(delivery: ScheduledDelivery, outcome: OccurrenceOutcome) -> Self {
        Self::Settled {
            delivery: Box::new(delivery),
            outcome,
            recurs: true,
        }
    }

    fn id(&self) -> ScheduledId {
        match self {
            Self::Settled { delivery, .. } | Self::OwesSuccessor(delivery) => delivery.id,
            Self::DueAgain(id, _) => *id,
        }
    }

    fn due_again(&self) -> Option<Timestamp> {
        match self {
            Self::DueAgain(_, due_at) => Some(*due_at),
            Self::Settled { .. } | Self::OwesSuccessor(_) => None,
        }
    }
}

/// Writes the outcomes of deliveries until the last sender is gone.
pub(crate) struct SettlementWriter {
    /// The rows.
    pub store: ScheduledDeliveries,
    /// The integrations of the rows.
    pub integrations: Integrations,
    /// How late a delivery may be.
    pub max_overdue: MaxOverdue,
    /// The claimed deliveries.
    pub backlog: Arc<Mutex<Backlog>>,
    /// Wakes the poller.
    pub wake: WakeSignal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The claim under which everything is written.
    pub claim_id: String,
}

impl SettlementWriter {
    /// Writes until the last sender is gone.
    pub(crate) async fn run(self, mut outcomes: mpsc::UnboundedReceiver<ClaimOutcome>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while outcomes.recv_many(&mut batch, MAX_BATCH).await > 0 {
            let settled: Vec<_> = batch.iter().map(|outcome| (outcome.id(), outcome.due_again())).collect();
            let written = self.write_batch(std::mem::take(&mut batch)).await;
            self.end_claims(&settled);
            if !written {
                // The poller skipped these rows while they were claimed here, so it has to read them again.
                self.wake.signal_at(DateTime::UNIX_EPOCH);
            }
        }
    }

    /// Ends the claims, so that the poller finds what is due again.
    fn end_claims(&self, settled: &[(ScheduledId, Option<Timestamp>)]) {
        let mut backlog = self.backlog.lock();
        for (id, _) in settled {
            backlog.end_claim(*id);
        }
        drop(backlog);
        match settled.iter().filter_map(|(_, due_again)| *due_again).min() {
            Some(due_again) => self.wake.signal_at(due_again),
            None => self.wake.signal(),
        }
    }

    /// Returns whether every outcome is written: not if a claim was over, or the database is unavailable.
    async fn write_batch(&self, batch: Vec<ClaimOutcome>) -> bool {
        let mut completed: BTreeMap<Duration, Vec<ScheduledId>> = BTreeMap::new();
        let mut others = Vec::new();
        for outcome in batch {
            match outcome {
                ClaimOutcome::Settled {
                    delivery,
                    outcome: OccurrenceOutcome::Completed,
                    ..
                } if delivery.series.is_none() => {
                    metrics::record_ended(OccurrenceOutcome::Completed.status(), self.lateness(&delivery));
                    completed.entry(delivery.keep_for).or_default().push(delivery.id);
                }
                other => others.push(other),
            }
        }
        let mut written = true;
        for (keep_for, ids) in completed {
            let all = self
                .retry_until_available(|now| self.complete(ids.clone(), keep_for, now))
                .await;
            written &= all == Some(true);
        }
        let each = futures::stream::iter(others).map(|outcome| self.write_one(outcome));
        each.buffer_unordered(MAX_CONCURRENT_WRITES)
            .fold(written, |written, one| std::future::ready(written && one))
            .await
    }

    async fn write_one(&self, outcome: ClaimOutcome) -> bool {
        match outcome {
            ClaimOutcome::Settled {
                delivery,
                outcome,
                recurs,
            } => {
                metrics::record_ended(outcome.status(), self.lateness(&delivery));
                self.settle(&delivery, &outcome, recurs).await
            }
            ClaimOutcome::OwesSuccessor(delivery) => match self.successor(&delivery).await {
                Some(successor) => self.write_successor(&delivery, successor).await,
                None => false,
            },
            ClaimOutcome::DueAgain(id, due_at) => self.retry_until_available(|_| self.release(id, due_at)).await.is_some(),
        }
    }

    /// Writes the end before the successor: a delivery that was cancelled meanwhile has cancelled its series.
    async fn settle(&self, delivery: &ScheduledDelivery, outcome: &OccurrenceOutcome, recurs: bool) -> bool {
        let successor = if recurs { self.successor(delivery).await } else { Some(None) };
        let Some(successor) = successor else { return false };
        let owes_successor = successor.is_some();
        let claimed = self.retry_until_available(|now| async move {
            let claim = self.claim_at(now);
            self.store.settle(delivery, outcome, claim, owes_successor).await
        });
        match claimed.await {
            Some(true) if owes_successor => self.write_successor(delivery, successor).await,
            Some(true) => true,
            Some(false) => {
                tracing::debug!(id = %delivery.id, "a delivery was called off, or its claim was over, before its end was noted");
                false
            }
            None => false,
        }
    }

    /// The next occurrence, if the integration still exists; the outer `None` means that the database is unavailable.
    async fn successor(&self, delivery: &ScheduledDelivery) -> Option<Option<ScheduledDelivery>> {
        let now = self.clock.now();
        let Some(successor) = delivery.successor(self.max_overdue.earliest(now), now) else {
            return Some(None);
        };
        let read = self.retry_until_available(|_| self.integrations.requests(delivery.org_id, delivery.integration));
        let found = read.await?;
        Some(found.map(|_| successor))
    }

    async fn write_successor(&self, settled: &ScheduledDelivery, successor: Option<ScheduledDelivery>) -> bool {
        let next = successor.as_ref();
        let written = self
            .retry_until_available(|_| self.store.succeed(settled.id, &self.claim_id, next))
            .await;
        if let (Some(()), Some(next)) = (written, next) {
            self.wake.signal_at(next.scheduled_for);
        }
        written.is_some()
    }

    async fn complete(&self, ids: Vec<ScheduledId>, keep_for: Duration, now: Timestamp) -> Result<bool, StoreError> {
        self.store.complete(&ids, keep_for, self.claim_at(now)).await
    }

    async fn release(&self, id: ScheduledId, due_at: Timestamp) -> Result<(), StoreError> {
        self.store.release(&[id], &self.claim_id, due_at).await
    }

    fn claim_at(&self, now: Timestamp) -> DeliveryClaim<'_> {
        DeliveryClaim {
            id: &self.claim_id,
            now,
            until: now,
        }
    }

    fn lateness(&self, delivery: &ScheduledDelivery) -> Duration {
        let late = self.clock.now() - delivery.scheduled_for;
        late.to_std().unwrap_or_default()
    }

    /// Retries until the database answers, up to the end of the claim, when another scheduler may take over.
    async fn retry_until_available<T, F>(&self, operation: impl Fn(Timestamp) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = MIN_BACKOFF;
        for _ in 0..MAX_ATTEMPTS {
            match operation(self.clock.now()).await {
                Ok(done) => return Some(done),
                Err(error) => tracing::warn!(%error, "the end of scheduled deliveries cannot be noted; trying again"),
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        None
    }
}
