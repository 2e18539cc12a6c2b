//! Makes claimed deliveries: one order after the other, for each of the integration's actions.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::ScheduledId;
use ig_core::ports::StoreError;
use ig_core::schedule::{MaxOverdue, Timeliness};
use ig_core::scheduled::{ScheduledDelivery, ScheduledStatus, Settlement};
use ig_proto::OrderRefusal;
use ig_store::{DeliveryClaim, Integrations, ScheduledDeliveries};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::backlog::Backlog;
use crate::settling::Ended;
use crate::wake::Wake;
use crate::workers::{Ordered, Workers};

/// How soon a delivery that no worker took is due again.
const TRY_AGAIN: TimeDelta = TimeDelta::seconds(1);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Everything that is done about scheduled deliveries, and what is known of them.
pub(crate) struct Deliveries {
    /// The rows.
    pub store: ScheduledDeliveries,
    /// What they are for.
    pub integrations: Integrations,
    /// Who makes the deliveries.
    pub workers: Workers,
    /// What is due, and what is under way.
    pub backlog: Arc<Mutex<Backlog>>,
    /// What wakes whoever looks.
    pub wake: Wake,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who holds what is under way: this life of this process.
    pub claim_id: String,
    /// How long a claim holds.
    pub lease: Duration,
    /// How late a delivery may be.
    pub max_overdue: MaxOverdue,
    /// Where deliveries go when they have ended.
    pub ended: mpsc::UnboundedSender<Ended>,
    /// Whether workers can be reached.
    pub reach: Mutex<Reach>,
}

/// Whether workers can be reached.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    away_until: Option<Instant>,
    pause: Duration,
}

impl Deliveries {
    /// How many orders workers may be sent now: where none could be reached the last time, one that finds out.
    pub(crate) fn workers_take(&self) -> usize {
        let reach = self.reach.lock();
        match reach.away_until {
            None => usize::MAX,
            Some(until) if until <= Instant::now() => 1,
            Some(_) => 0,
        }
    }

    /// How long no worker is looked for, where none could be reached.
    pub(crate) fn workers_pause(&self) -> Option<Duration> {
        let until = self.reach.lock().away_until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Claims those of these that are still due.
    pub(crate) async fn claim(&self, ids: &[ScheduledId]) -> Result<Vec<ScheduledDelivery>, StoreError> {
        self.store.claim(ids, self.claimed_from(self.clock.now())).await
    }

    /// The claim as it is from a moment on.
    pub(crate) fn claimed_from(&self, now: Timestamp) -> DeliveryClaim<'_> {
        DeliveryClaim {
            id: &self.claim_id,
            now,
            until: now + self.lease,
        }
    }

    /// Sees a claimed delivery to its end, and hands it over to be written down.
    pub(crate) async fn make(&self, delivery: ScheduledDelivery) {
        let id = delivery.id;
        let ended = if delivery.status == ScheduledStatus::Pending {
            self.deliver(delivery).await
        } else {
            // It has ended before; whoever held it then was cut off before it made the next one.
            Ended::Owing(Box::new(delivery))
        };
        self.backlog.lock().ordered(id);
        self.wake.now();
        if self.ended.send(ended).is_err() {
            tracing::error!("nobody writes down how scheduled deliveries end; they are claimed again");
        }
    }

    async fn deliver(&self, delivery: ScheduledDelivery) -> Ended {
        match self.max_overdue.judge(delivery.scheduled_for, self.clock.now()) {
            Timeliness::Due => self.order(delivery).await,
            Timeliness::Overdue(reason) => {
                let missed = delivery.missed(self.max_overdue.earliest(self.clock.now()));
                let reason = [Some(reason), missed].into_iter().flatten().collect::<Vec<_>>().join(" ");
                Ended::settled(delivery, Settlement::Cancelled(reason))
            }
            // Somebody moved it since it was found due.
            Timeliness::NotDue(_) => {
                let at = delivery.scheduled_for;
                Ended::Again(delivery.id, at)
            }
        }
    }

    async fn order(&self, delivery: ScheduledDelivery) -> Ended {
        let mut failures = Vec::new();
        for index in 0..u16::MAX {
            let order = delivery.order(index, self.claim_id.clone());
            let ordered = self.workers.deliver(&order).await;
            self.note(&ordered);
            match ordered {
                Ordered::Recorded { failure, next } => {
                    failures.extend(failure.map(|failure| numbered(index, next, failure)));
                    let Some(pause) = next else { break };
                    tokio::time::sleep(pause).await;
                }
                // An action that is there no more.
                Ordered::Refused(OrderRefusal::Unknown) if index > 0 => break,
                Ordered::Refused(OrderRefusal::Unknown) => return self.unknown(delivery).await,
                Ordered::Refused(OrderRefusal::Never(reason)) => {
                    failures.push(reason);
                    break;
                }
                Ordered::Refused(OrderRefusal::Away) => return Ended::Again(delivery.id, self.clock.now() + TRY_AGAIN),
            }
        }
        let settlement = if failures.is_empty() {
            Settlement::Completed
        } else {
            Settlement::Failed(failures.join(" "))
        };
        Ended::settled(delivery, settlement)
    }

    /// The worker has not heard of the integration yet, or it was deleted; then it does not occur again.
    async fn unknown(&self, delivery: ScheduledDelivery) -> Ended {
        match self.integrations.requests(delivery.org_id, delivery.integration).await {
            Ok(None) => Ended::Settled {
                delivery: Box::new(delivery),
                settlement: Settlement::Cancelled("The integration was deleted.".to_owned()),
                recurs: false,
            },
            Ok(Some(_)) => Ended::Again(delivery.id, self.clock.now() + TRY_AGAIN),
            Err(error) => {
                tracing::warn!(%error, "whether an integration is still there cannot be read; its delivery waits");
                Ended::Again(delivery.id, self.clock.now() + TRY_AGAIN)
            }
        }
    }

    fn note(&self, ordered: &Ordered) {
        let mut reach = self.reach.lock();
        match ordered {
            Ordered::Refused(OrderRefusal::Away) => {
                let away = reach.away_until.is_some_and(|until| until > Instant::now());
                if !away {
                    reach.pause = (reach.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    reach.away_until = Some(Instant::now() + reach.pause);
                    tracing::warn!("no delivery-worker can be reached; scheduled deliveries wait");
                }
            }
            Ordered::Recorded { .. } | Ordered::Refused(OrderRefusal::Unknown | OrderRefusal::Never(_)) => {
                *reach = Reach::default();
            }
        }
    }
}

/// Of several actions, it is told which one failed.
fn numbered(index: u16, next: Option<Duration>, failure: String) -> String {
    if index == 0 && next.is_none() {
        return failure;
    }
    format!("Action {}: {failure}", index + 1)
}
