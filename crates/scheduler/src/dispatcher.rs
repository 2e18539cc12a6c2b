//! Dispatches claimed deliveries: one order after the other, for each of the integration's actions.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ig_core::clock::{Clock, Timestamp};
use ig_core::delivery_command::{CommandOutcome, CommandReport};
use ig_core::id::ScheduledId;
use ig_core::ports::StoreError;
use ig_core::schedule::{MaxOverdue, Timeliness};
use ig_core::scheduled::{OccurrenceOutcome, ScheduledDelivery, ScheduledStatus};
use ig_peers::{CommandExecuted, CommandRefused, WorkerClient};
use ig_proto::CommandRefusal;
use ig_store::{DeliveryClaim, Integrations, ScheduledDeliveries};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::backlog::Backlog;
use crate::settlement_writer::ClaimOutcome;
use crate::wake_signal::WakeSignal;

/// After this delay, a delivery that no worker took is due again.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(1);
const MIN_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Claims deliveries, orders them from the workers and sends on their outcomes.
pub(crate) struct Dispatcher {
    /// The rows.
    pub store: ScheduledDeliveries,
    /// The integrations of the rows.
    pub integrations: Integrations,
    /// The client of the workers.
    pub worker: WorkerClient,
    /// The waiting and the claimed deliveries.
    pub backlog: Arc<Mutex<Backlog>>,
    /// Wakes the poller.
    pub wake: WakeSignal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The identity of all claims: one run of this process.
    pub claim_id: String,
    /// How long a claim lasts.
    pub lease: Duration,
    /// How late a delivery may be.
    pub max_overdue: MaxOverdue,
    /// The outcomes for the settlement writer.
    pub outcomes: mpsc::UnboundedSender<ClaimOutcome>,
    /// Whether a worker can be reached.
    pub availability: Mutex<WorkerAvailability>,
}

/// Whether a worker can be reached.
#[derive(Debug, Default)]
pub(crate) struct WorkerAvailability {
    unavailable_until: Option<Instant>,
    backoff: Duration,
}

impl Dispatcher {
    /// How many orders may be sent now: a single probe after no worker could be reached.
    pub(crate) fn worker_capacity(&self) -> usize {
        let availability = self.availability.lock();
        match availability.unavailable_until {
            None => usize::MAX,
            Some(until) if until <= Instant::now() => 1,
            Some(_) => 0,
        }
    }

    /// How long to wait before the next probe, if no worker could be reached.
    pub(crate) fn worker_backoff(&self) -> Option<Duration> {
        let until = self.availability.lock().unavailable_until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Claims the rows that are still due.
    pub(crate) async fn claim(&self, ids: &[ScheduledId]) -> Result<Vec<ScheduledDelivery>, StoreError> {
        self.store.claim(ids, self.claim_at(self.clock.now())).await
    }

    /// The claim that begins at `now`.
    pub(crate) fn claim_at(&self, now: Timestamp) -> DeliveryClaim<'_> {
        DeliveryClaim {
            id: &self.claim_id,
            now,
            until: now + self.lease,
        }
    }

    /// Dispatches a claimed delivery and sends its outcome to the settlement writer.
    pub(crate) async fn dispatch(&self, delivery: ScheduledDelivery) {
        let id = delivery.id;
        let outcome = if delivery.status == ScheduledStatus::Pending {
            self.deliver_if_due(delivery).await
        } else {
            // The delivery has ended before: its scheduler was cut off before it wrote the successor.
            ClaimOutcome::OwesSuccessor(Box::new(delivery))
        };
        self.backlog.lock().release_slot(id);
        self.wake.signal();
        if self.outcomes.send(outcome).is_err() {
            tracing::error!("nobody writes down how scheduled deliveries end; they are claimed again");
        }
    }

    async fn deliver_if_due(&self, delivery: ScheduledDelivery) -> ClaimOutcome {
        match self.max_overdue.timeliness(delivery.scheduled_for, self.clock.now()) {
            Timeliness::Due => self.deliver_actions(delivery).await,
            Timeliness::Overdue(reason) => {
                let missed = delivery.missed_note(self.max_overdue.earliest(self.clock.now()));
                let reason = [Some(reason), missed].into_iter().flatten().collect::<Vec<_>>().join(" ");
                ClaimOutcome::settled(delivery, OccurrenceOutcome::Cancelled(reason))
            }
            // The row was rescheduled after the poller read it.
            Timeliness::NotDue(_) => {
                let at = delivery.scheduled_for;
                ClaimOutcome::DueAgain(delivery.id, at)
            }
        }
    }

    async fn deliver_actions(&self, delivery: ScheduledDelivery) -> ClaimOutcome {
        let mut failures = Vec::new();
        for index in 0..u16::MAX {
            let order = delivery.command(index, self.claim_id.clone());
            let result = self.worker.deliver(&order).await;
            self.update_availability(&result);
            match result.map_err(|refused| refused.refusal) {
                Ok(CommandExecuted { report, next_action }) => {
                    let failure = failure_message(report);
                    failures.extend(failure.map(|failure| name_action(index, next_action, failure)));
                    let Some(pause) = next_action else { break };
                    tokio::time::sleep(pause).await;
                }
                // The integration no longer has this action.
                Err(CommandRefusal::Unknown) if index > 0 => break,
                Err(CommandRefusal::Unknown) => return self.outcome_of_unknown_integration(delivery).await,
                Err(CommandRefusal::Never(reason)) => {
                    failures.push(reason);
                    break;
                }
                Err(CommandRefusal::Away) => {
                    return ClaimOutcome::DueAgain(delivery.id, self.clock.now() + RETRY_DELAY);
                }
            }
        }
        let outcome = if failures.is_empty() {
            OccurrenceOutcome::Completed
        } else {
            OccurrenceOutcome::Failed(failures.join(" "))
        };
        ClaimOutcome::settled(delivery, outcome)
    }

    /// Either the worker does not know the integration yet, or the integration was deleted, which ends the series.
    async fn outcome_of_unknown_integration(&self, delivery: ScheduledDelivery) -> ClaimOutcome {
        match self.integrations.requests(delivery.org_id, delivery.integration).await {
            Ok(None) => ClaimOutcome::Settled {
                delivery: Box::new(delivery),
                outcome: OccurrenceOutcome::Cancelled("The integration was deleted.".to_owned()),
                recurs: false,
            },
            Ok(Some(_)) => ClaimOutcome::DueAgain(delivery.id, self.clock.now() + RETRY_DELAY),
            Err(error) => {
                tracing::warn!(%error, "whether an integration is still there cannot be read; its delivery waits");
                ClaimOutcome::DueAgain(delivery.id, self.clock.now() + RETRY_DELAY)
            }
        }
    }

    fn update_availability(&self, result: &Result<CommandExecuted, CommandRefused>) {
        let mut availability = self.availability.lock();
        match result {
            Err(CommandRefused {
                refusal: CommandRefusal::Away,
                status,
            }) => {
                let in_backoff = availability.unavailable_until.is_some_and(|until| until > Instant::now());
                if !in_backoff {
                    availability.backoff = (availability.backoff * 2).clamp(MIN_BACKOFF, MAX_BACKOFF);
                    availability.unavailable_until = Some(Instant::now() + availability.backoff);
                    tracing::warn!(%status, "no delivery-worker can be reached; scheduled deliveries wait");
                }
            }
            Ok(_) | Err(_) => {
                *availability = WorkerAvailability::default();
            }
        }
    }
}

/// Why a delivery failed, if it did.
fn failure_message(report: CommandReport) -> Option<String> {
    let message = report.error.map(|(_, message)| message);
    match report.outcome {
        CommandOutcome::Delivered | CommandOutcome::Skipped => None,
        CommandOutcome::Retryable | CommandOutcome::Refused => Some(message.unwrap_or_else(|| "It was not taken.".to_owned())),
        CommandOutcome::Held => Some("The integration is held: its dead letter waits until it is enabled.".to_owned()),
    }
}

/// Names the failed action if there are several.
fn name_action(index: u16, next: Option<Duration>, failure: String) -> String {
    if index == 0 && next.is_none() {
        return failure;
    }
    format!("Action {}: {failure}", index + 1)
}
