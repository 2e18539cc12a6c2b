//! The retry loop: it sleeps until the next dead letter is due or a nudge comes, then claims due dead letters and retries them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::{ClaimId, DueDeadLetter, QueuedDeadLetter, group_by_lane, pick_round_robin, split_by_org};
use ig_core::id::{IntegrationId, LogId, OrgId};
use ig_core::matching::LaneKey;
use ig_core::ports::StoreError;
use ig_service::{Context, TaskKind};
use ig_store::StoredDeadLetter;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::nudge::Nudge;
use crate::retry_executor::{AttemptResult, RetryExecutor};
use crate::retry_limiter::{RetryLimiter, RetryPermit, cap_per_integration};

/// Delay after a database error.
const ERROR_DELAY: Duration = Duration::from_secs(1);
/// The shortest interval between two polls, however many nudges come.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The first search for the next due letter covers this span: the database visits all rows within a span.
const NEAR_SPAN: Duration = Duration::from_secs(2);

/// Claims and retries due dead letters.
pub(crate) struct RetryLoop {
    executor: Arc<RetryExecutor>,
    limiter: RetryLimiter,
    nudge: Nudge,
    interval: Duration,
    context: Context,
    next_org: Mutex<OrgId>,
}

/// The claimed letters of one lane, in event order.
type Lane = Vec<(StoredDeadLetter, RetryPermit)>;

impl RetryLoop {
    /// A loop that retries with `executor`.
    pub(crate) fn new(executor: Arc<RetryExecutor>, nudge: Nudge, interval: Duration, context: Context) -> Arc<Self> {
        Arc::new(Self {
            executor,
            limiter: RetryLimiter::new(nudge.clone()),
            nudge,
            interval,
            context,
            next_org: Mutex::new(OrgId(i64::MIN)),
        })
    }

    /// Claims and retries until the shutdown; calls `alive` on every turn.
    pub(crate) async fn run(self: Arc<Self>, alive: impl Fn()) {
        let stop = self.stop().clone();
        while !stop.is_cancelled() {
            alive();
            self.executor.sender.wait_available().await;
            match self.run_cycle().await {
                // There may be more due letters.
                Ok(true) => {}
                Ok(false) => {
                    let pause = self.time_until_due().await;
                    self.nudge.wait_up_to(pause, &stop).await;
                    tokio::time::sleep(MIN_POLL_INTERVAL).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "what is due cannot be looked at; trying again");
                    self.nudge.wait_up_to(ERROR_DELAY, &stop).await;
                }
            }
        }
    }

    /// The time until the next letter is due, at most the poll interval.
    async fn time_until_due(&self) -> Duration {
        let now = self.executor.clock.now();
        let far = now + self.interval;
        let due = match self.next_due(now, (now + NEAR_SPAN).min(far)).await {
            None => self.next_due(now + NEAR_SPAN, far).await,
            near => near,
        };
        due.map_or(self.interval, |due| (due - now).to_std().unwrap_or_default())
    }

    async fn next_due(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let found = self.executor.letters.earliest(after, until).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "when the next dead letter is due cannot be looked up; trying again");
            Some(after + ERROR_DELAY)
        })
    }

    fn stop(&self) -> &CancellationToken {
        self.context.stopping()
    }

    /// Claims one cycle's share of the due letters and spawns their retries; returns whether there were any.
    async fn run_cycle(self: &Arc<Self>) -> Result<bool, StoreError> {
        let (letters, busy) = (&self.executor.letters, self.limiter.busy_integrations());
        let due = letters.due(self.executor.clock.now(), &busy).await?;
        metrics::set_due(due.values().sum());
        let (limit, due) = self.limiter.available_retries(due);
        let shares = split_by_org(&due, limit, *self.next_org.lock());
        self.advance_next_org(&shares);
        let oldest = pick_round_robin(self.oldest_due(&shares, &busy).await?, limit);
        let claim = ClaimId::random(&mut rand::rng());
        let claimed = letters.claim_due(&oldest, &claim, self.executor.clock.now()).await?;
        let has_claimed = !claimed.is_empty();
        for lane in self.group_by_lane(claimed) {
            let (this, claim) = (Arc::clone(self), claim.clone());
            self.context.spawn("retries of a lane", TaskKind::OneShot, async move {
                this.process_lane(lane, claim).await;
            });
        }
        Ok(has_claimed)
    }

    /// With more tenants than one cycle can serve, the next cycle starts after the last tenant of this one.
    fn advance_next_org(&self, shares: &BTreeMap<OrgId, usize>) {
        let mut next_org = self.next_org.lock();
        let wrapped = shares.range(..*next_org).next_back();
        if let Some((last, _)) = wrapped.or_else(|| shares.last_key_value()) {
            *next_org = OrgId(last.0.saturating_add(1));
        }
    }

    async fn oldest_due(
        &self,
        shares: &BTreeMap<OrgId, usize>,
        busy: &[IntegrationId],
    ) -> Result<Vec<DueDeadLetter>, StoreError> {
        let (letters, now) = (&self.executor.letters, self.executor.clock.now());
        let by_org = shares.iter().map(|(org, share)| letters.longest_due(*org, now, busy, *share));
        let by_org = try_join_all(by_org).await?;
        Ok(by_org.into_iter().flat_map(cap_per_integration).collect())
    }

    fn group_by_lane(&self, claimed: Vec<StoredDeadLetter>) -> Vec<Lane> {
        let order = group_by_lane(claimed.iter().map(to_queued).collect());
        let mut by_id: HashMap<LogId, StoredDeadLetter> = claimed.into_iter().map(|kept| (kept.letter.id, kept)).collect();
        let with_permit = |kept: StoredDeadLetter| {
            let permit = self.limiter.acquire(kept.letter.org_id, kept.letter.integration.id);
            (kept, permit)
        };
        order
            .into_iter()
            .map(|lane| lane.iter().filter_map(|id| by_id.remove(id)).map(with_permit).collect())
            .collect()
    }

    /// Retries a lane's letters one after the other; when no worker answers, or at the shutdown, it releases the rest.
    async fn process_lane(&self, lane: Lane, claim: ClaimId) {
        let ids: Vec<_> = lane.iter().map(|(kept, _)| kept.letter.id).collect();
        let mut continues = true;
        for (at, (letter, _permit)) in lane.into_iter().enumerate() {
            continues = continues && !self.stop().is_cancelled();
            let result = if continues {
                self.retry(&letter, &claim, &ids[at..]).await
            } else {
                self.executor.release(&letter, &claim).await.map(|()| false)
            };
            continues = result.unwrap_or_else(|error| {
                // The claim expires by itself, and then the letter is due again.
                tracing::warn!(%error, letter = %letter.letter.id, "what came of a retry could not be stored");
                true
            });
        }
        if !continues {
            self.nudge.wake();
        }
    }

    /// Retries one letter; returns whether a worker answered.
    async fn retry(&self, letter: &StoredDeadLetter, claim: &ClaimId, claimed: &[LogId]) -> Result<bool, StoreError> {
        match self.executor.attempt(letter, claim, claimed).await? {
            AttemptResult::Completed(retried) => self.executor.settle(letter, claim, retried).await.map(|()| true),
            AttemptResult::NoWorker => self.executor.release(letter, claim).await.map(|()| false),
        }
    }
}

fn to_queued(kept: &StoredDeadLetter) -> QueuedDeadLetter {
    let letter = &kept.letter;
    QueuedDeadLetter {
        id: letter.id,
        lane: LaneKey {
            org_id: letter.org_id,
            integration: letter.integration.id,
            entity_rid: letter.entity_rid,
            event_type: letter.event.event_type.clone(),
        },
        source: letter.event.source.clone(),
        position: letter.position,
        event: letter.event.id.clone(),
        action_index: letter.integration.action_index,
        created_at: letter.created_at,
    }
}
