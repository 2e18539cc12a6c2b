//! How deliveries ended is written down, many at a time, and then what follows from it is made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use futures::StreamExt as _;
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::ScheduledId;
use ig_core::ports::StoreError;
use ig_core::schedule::MaxOverdue;
use ig_core::scheduled::{ScheduledDelivery, Settlement};
use ig_store::{DeliveryClaim, Integrations, ScheduledDeliveries};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::backlog::Backlog;
use crate::metrics;
use crate::wake::Wake;

/// The most that are written down together.
const GROUP: usize = 500;
/// How many of those that are written down one by one are so at once.
const AT_ONCE: usize = 16;
/// Beyond so many attempts the claim is as good as over.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What came of a claimed delivery.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It has ended.
    Settled {
        /// Which one.
        delivery: Box<ScheduledDelivery>,
        /// How.
        settlement: Settlement,
        /// Whether the next occurrence is made, where there is a further one.
        recurs: bool,
    },
    /// It had ended before, and owes its successor alone.
    Owing(Box<ScheduledDelivery>),
    /// It could not be made now, and is due again then.
    Again(ScheduledId, Timestamp),
}

impl Ended {
    /// It has ended like this, and recurs where it is one of several.
    pub(crate) fn settled(delivery: ScheduledDelivery, settlement: Settlement) -> Self {
        Self::Settled {
            delivery: Box::new(delivery),
            settlement,
            recurs: true,
        }
    }

    fn id(&self) -> ScheduledId {
        match self {
            Self::Settled { delivery, .. } | Self::Owing(delivery) => delivery.id,
            Self::Again(id, _) => *id,
        }
    }

    fn due_again(&self) -> Option<Timestamp> {
        match self {
            Self::Again(_, due_at) => Some(*due_at),
            Self::Settled { .. } | Self::Owing(_) => None,
        }
    }
}

/// Writes down how deliveries ended. It ends when nobody is left who could tell it of any.
pub(crate) struct Settler {
    /// The rows.
    pub store: ScheduledDeliveries,
    /// What they are for.
    pub integrations: Integrations,
    /// How late a delivery may be.
    pub max_overdue: MaxOverdue,
    /// What is under way.
    pub backlog: Arc<Mutex<Backlog>>,
    /// What wakes whoever looks.
    pub wake: Wake,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Under which claim all is written.
    pub claim_id: String,
}

impl Settler {
    /// Writes until the last sender is gone.
    pub(crate) async fn run(self, mut queue: mpsc::UnboundedReceiver<Ended>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            let ends: Vec<_> = group.iter().map(|ended| (ended.id(), ended.due_again())).collect();
            let noted = self.settle(std::mem::take(&mut group)).await;
            self.let_go(&ends);
            if !noted {
                // Nobody looked for what was under way here when its claim ended.
                self.wake.at(DateTime::UNIX_EPOCH);
            }
        }
    }

    /// What is due again is looked for from now on: before this it counted as under way.
    fn let_go(&self, ends: &[(ScheduledId, Option<Timestamp>)]) {
        let mut backlog = self.backlog.lock();
        for (id, _) in ends {
            backlog.done(*id);
        }
        drop(backlog);
        match ends.iter().filter_map(|(_, due_again)| *due_again).min() {
            Some(due_again) => self.wake.at(due_again),
            None => self.wake.now(),
        }
    }

    /// Whether every end is written down; not where a claim was over before, or the database does not answer.
    async fn settle(&self, group: Vec<Ended>) -> bool {
        let mut completed: BTreeMap<Duration, Vec<ScheduledId>> = BTreeMap::new();
        let mut single = Vec::new();
        for ended in group {
            match ended {
                Ended::Settled {
                    delivery,
                    settlement: Settlement::Completed,
                    ..
                } if delivery.series.is_none() => {
                    metrics::ended(Settlement::Completed.status(), self.late(&delivery));
                    completed.entry(delivery.keep_for).or_default().push(delivery.id);
                }
                other => single.push(other),
            }
        }
        let mut noted = true;
        for (keep_for, ids) in completed {
            let all = self.insist(|now| self.complete(ids.clone(), keep_for, now)).await;
            noted &= all == Some(true);
        }
        let each = futures::stream::iter(single).map(|ended| self.settle_one(ended));
        each.buffer_unordered(AT_ONCE)
            .fold(noted, |noted, one| std::future::ready(noted && one))
            .await
    }

    async fn settle_one(&self, ended: Ended) -> bool {
        match ended {
            Ended::Settled {
                delivery,
                settlement,
                recurs,
            } => {
                metrics::ended(settlement.status(), self.late(&delivery));
                self.end(&delivery, &settlement, recurs).await
            }
            Ended::Owing(delivery) => match self.successor(&delivery).await {
                Some(successor) => self.succeed(&delivery, successor).await,
                None => false,
            },
            Ended::Again(id, due_at) => self.insist(|_| self.release(id, due_at)).await.is_some(),
        }
    }

    /// First the end of this one, then the next: whoever called this one off meanwhile has called off all that would follow.
    async fn end(&self, delivery: &ScheduledDelivery, settlement: &Settlement, recurs: bool) -> bool {
        let successor = if recurs { self.successor(delivery).await } else { Some(None) };
        let Some(successor) = successor else { return false };
        let owes = successor.is_some();
        let held = self.insist(|now| async move {
            let claim = self.claim(now);
            self.store.settle(delivery, settlement, claim, owes).await
        });
        match held.await {
            Some(true) if owes => self.succeed(delivery, successor).await,
            Some(true) => true,
            Some(false) => {
                tracing::debug!(id = %delivery.id, "a delivery was called off, or its claim was over, before its end was noted");
                false
            }
            None => false,
        }
    }

    /// What follows a delivery that was made or missed: nothing, where its integration is gone. It is not known without the database.
    async fn successor(&self, delivery: &ScheduledDelivery) -> Option<Option<ScheduledDelivery>> {
        let now = self.clock.now();
        let Some(successor) = delivery.successor(self.max_overdue.earliest(now), now) else {
            return Some(None);
        };
        let asked = self.insist(|_| self.integrations.requests(delivery.org_id, delivery.integration));
        let found = asked.await?;
        Some(found.map(|_| successor))
    }

    async fn succeed(&self, settled: &ScheduledDelivery, successor: Option<ScheduledDelivery>) -> bool {
        let next = successor.as_ref();
        let made = self.insist(|_| self.store.succeed(settled.id, &self.claim_id, next)).await;
        if let (Some(()), Some(next)) = (made, next) {
            self.wake.at(next.scheduled_for);
        }
        made.is_some()
    }

    async fn complete(&self, ids: Vec<ScheduledId>, keep_for: Duration, now: Timestamp) -> Result<bool, StoreError> {
        self.store.complete(&ids, keep_for, self.claim(now)).await
    }

    async fn release(&self, id: ScheduledId, due_at: Timestamp) -> Result<(), StoreError> {
        self.store.release(&[id], &self.claim_id, due_at).await
    }

    fn claim(&self, now: Timestamp) -> DeliveryClaim<'_> {
        DeliveryClaim {
            id: &self.claim_id,
            now,
            until: now,
        }
    }

    fn late(&self, delivery: &ScheduledDelivery) -> Duration {
        let late = self.clock.now() - delivery.scheduled_for;
        late.to_std().unwrap_or_default()
    }

    /// Tries until the database answers, but not for ever: a claim that is over is somebody else's.
    async fn insist<T, F>(&self, write: impl Fn(Timestamp) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 0..ATTEMPTS {
            match write(self.clock.now()).await {
                Ok(done) => return Some(done),
                Err(error) => tracing::warn!(%error, "the end of scheduled deliveries cannot be noted; trying again"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }
}
