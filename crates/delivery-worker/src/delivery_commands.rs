//! Delivery commands of other services: one delivery each, made at once and answered once it is durable.

use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use ig_core::dead_letter::DeadLetterReason;
use ig_core::dead_letter_retry::ClaimId;
use ig_core::delivery_command::{CommandOutcome, CommandReport, DeliveryCommand};
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, Direction, Step, TriggerType};
use ig_core::event::{Event, Payload};
use ig_core::ports::{JournalEntry, StoreError};
use ig_service::telemetry::TraceContext;
use ig_store::{DeadLetters, DeliveryLogs};
use tokio_util::sync::CancellationToken;

use crate::compiled_integration::CompiledIntegration;
use crate::event_trace::EventTrace;
use crate::executor::{DeliveryExecutor, DeliveryTask};
use crate::live_configuration::LiveConfiguration;
use crate::recorder::Recorder;
use crate::work_scope::WorkScope;

mod tasks;

pub(crate) use tasks::CommandTasks;

/// Why a command was not executed; nothing was sent, or the record of what was sent may be missing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The organisation has no such integration.
    #[error("the organisation has no such integration")]
    NoSuchIntegration,
    /// The integration has no such action any more.
    #[error("the integration has no action {0}")]
    NoSuchAction(u16),
    /// The payload is not JSON.
    #[error("payload: {0}")]
    InvalidPayload(#[source] serde_json::Error),
    /// The worker stops or has no configuration yet: another worker may execute the command.
    #[error("the worker takes no orders now")]
    Unavailable,
    /// The database is unavailable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The header by which clients identify a call that may be repeated.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Executes delivery commands, each of which is one [`DeliveryCommand`].
pub(crate) struct DeliveryCommands {
    executor: Arc<DeliveryExecutor>,
    configuration: Arc<LiveConfiguration>,
    logs: DeliveryLogs,
    letters: DeadLetters,
    recorder: Recorder,
    stop: CancellationToken,
}

impl DeliveryCommands {
    pub(crate) fn new(
        executor: Arc<DeliveryExecutor>,
        configuration: Arc<LiveConfiguration>,
        logs: DeliveryLogs,
        letters: DeadLetters,
        recorder: Recorder,
        stop: CancellationToken,
    ) -> Self {
        Self {
            executor,
            configuration,
            logs,
            letters,
            recorder,
            stop,
        }
    }

    /// Makes one delivery and reports its result once that is durable. A recorded delivery is not made again, unless it failed and its dead
    /// letter is being retried; the retry is added to its log.
    pub(crate) async fn execute(&self, order: DeliveryCommand) -> Result<CommandReport, CommandError> {
        if self.stop.is_cancelled() || !self.configuration.is_in_force() {
            return Err(CommandError::Unavailable);
        }
        let log_id = order.message_id.log_id(order.event_created_at);
        let recorded = self.logs.get(order.org_id, log_id).await?;
        let compiled = self.find_integration(&order, recorded.as_ref()).await?;
        if let Some(recorded) = &recorded
            && !self.is_retry(&order, recorded).await?
        {
            return Ok(report_from_log(recorded));
        }
        let entry = self.make_delivery(order, &compiled).await?;
        let entry = match recorded {
            Some(earlier) => match held_back_report(&entry) {
                Some(report) => return Ok(report),
                None => with_earlier_attempts(earlier, entry),
            },
            None => entry,
        };
        let (JournalEntry::Delivery { log, .. } | JournalEntry::Retry { log, .. }) = &entry else {
            return Err(CommandError::Unavailable);
        };
        let report = report_from_log(log);
        let durable = self.recorder.record_durably(entry).await;
        if durable { Ok(report) } else { Err(CommandError::Unavailable) }
    }

    /// Whether the order retries a failed delivery under a valid claim on its dead letter. Without one, the order repeats one
    /// whose answer was lost, or its sender does not own the retry any more.
    async fn is_retry(&self, order: &DeliveryCommand, recorded: &DeliveryLog) -> Result<bool, StoreError> {
        let failed = match recorded.status {
            DeliveryStatus::Success | DeliveryStatus::Skipped => false,
            DeliveryStatus::Failed | DeliveryStatus::Retrying | DeliveryStatus::Abandoned => true,
        };
        if !failed || order.trigger != TriggerType::Event || order.claim_id.is_empty() {
            return Ok(false);
        }
        let claim = ClaimId(order.claim_id.clone());
        self.letters.is_claimed_by(order.org_id, recorded.id, &claim).await
    }

    async fn find_integration(
        &self,
        order: &DeliveryCommand,
        recorded: Option<&DeliveryLog>,
    ) -> Result<Arc<CompiledIntegration>, CommandError> {
        let found = self.configuration.integration(order.integration);
        let found = found.filter(|compiled| compiled.integration.org_id == order.org_id);
        let found = found.or_else(|| self.job_integration(order));
        let found = match (found, recorded) {
            (None, Some(recorded)) => self.repeating_integration(order, recorded).await?,
            (found, _) => found,
        };
        let compiled = found.ok_or(CommandError::NoSuchIntegration)?;
        if usize::from(order.action_index) >= compiled.actions.len() {
            return Err(CommandError::NoSuchAction(order.action_index));
        }
        Ok(compiled)
    }

    /// The integration that makes the deliveries of a job. What was fetched for one entity is not sent for another.
    fn job_integration(&self, order: &DeliveryCommand) -> Option<Arc<CompiledIntegration>> {
        let job = self.configuration.job(order.org_id, order.integration)?;
        if job.tenant_id != order.entity_rid {
            return None;
        }
        let integration = match order.trigger {
            // A person may run a job that is not active.
            TriggerType::Scheduled => job.run_integration(),
            TriggerType::Event | TriggerType::Manual => job.delivery_integration(),
        };
        Some(Arc::new(CompiledIntegration::new(
            Arc::new(integration),
            Direction::Scheduled,
        )))
    }

    /// The integration that repeats a failed inbound call. Its dead letter has the full target, with the query that a log may lack.
    async fn repeating_integration(
        &self,
        order: &DeliveryCommand,
        recorded: &DeliveryLog,
    ) -> Result<Option<Arc<CompiledIntegration>>, StoreError> {
        let Some(inbound) = self.configuration.inbound_integration(order.org_id, order.integration) else {
            return Ok(None);
        };
        let letter = self.letters.get(order.org_id, recorded.id).await?;
        let target = letter.as_ref().map_or(&recorded.target, |kept| &kept.letter.target);
        let repeating = inbound.resend_integration(target, recorded.request_headers.get(IDEMPOTENCY_KEY));
        Ok(repeating.map(|integration| Arc::new(CompiledIntegration::new(Arc::new(integration), Direction::Inbound))))
    }

    async fn make_delivery(&self, order: DeliveryCommand, compiled: &CompiledIntegration) -> Result<JournalEntry, CommandError> {
        let (message, trigger, index) = (order.message_id, order.trigger, order.action_index);
        let event = to_event(order)?;
        let trace = EventTrace::within(TraceContext::current_or_new());
        let task = DeliveryTask {
            event: &event,
            compiled,
            index: usize::from(index),
            message,
            trace: &trace,
            trigger,
            max_attempts: max_attempts(trigger, compiled),
            scope: WorkScope {
                ticket: None,
                stop: &self.stop,
            },
        };
        self.executor.execute(&task).await.map_err(|_| CommandError::Unavailable)
    }
}

/// A delivery by hand shows the result of one request. A dead letter's retry is one request too: the retrier decides when the next is due.
fn max_attempts(trigger: TriggerType, compiled: &CompiledIntegration) -> u8 {
    match trigger {
        TriggerType::Manual | TriggerType::Event => 1,
        TriggerType::Scheduled => compiled.integration.attempts,
    }
}

/// The report of a retry that the breaker, the rate limit or a disabled script kept from being sent: it adds nothing to its log.
fn held_back_report(entry: &JournalEntry) -> Option<CommandReport> {
    let JournalEntry::Delivery {
        log,
        dead_letter: Some(letter),
        ..
    } = entry
    else {
        return None;
    };
    let is_held_back = match letter.reason {
        DeadLetterReason::CircuitOpen
        | DeadLetterReason::Paused
        | DeadLetterReason::RateLimited
        | DeadLetterReason::ScriptDisabled => true,
        DeadLetterReason::AttemptsExhausted
        | DeadLetterReason::RetryAfter
        | DeadLetterReason::NotRetryable
        | DeadLetterReason::NotStored
        | DeadLetterReason::EventGone => false,
    };
    is_held_back.then(|| CommandReport {
        outcome: CommandOutcome::Held,
        error: None,
        response_status: None,
        retry_after: letter.next_retry_at.and_then(|due| (due - letter.created_at).to_std().ok()),
        log_id: log.id,
    })
}

/// Adds a retry to the log of the earlier attempts. Its dead letter exists already.
fn with_earlier_attempts(earlier: DeliveryLog, entry: JournalEntry) -> JournalEntry {
    let JournalEntry::Delivery { mut log, mut trace, .. } = entry else {
        return entry;
    };
    trace.steps.insert(0, retry_step(&log));
    let mut attempts = earlier.attempts;
    attempts.append(&mut log.attempts);
    let log = Box::new(DeliveryLog {
        attempts,
        trigger: earlier.trigger,
        correlation_id: earlier.correlation_id,
        trace_id: earlier.trace_id,
        created_at: earlier.created_at,
        ..*log
    });
    JournalEntry::Retry { log, trace }
}

fn retry_step(log: &DeliveryLog) -> Step {
    let at = log.created_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    Step {
        name: "retry",
        offset: Duration::ZERO,
        duration: Duration::ZERO,
        detail: Some(format!("tried again at {at}")),
    }
}

fn to_event(order: DeliveryCommand) -> Result<Event, CommandError> {
    let payload = Payload::parse(order.payload).map_err(CommandError::InvalidPayload)?;
    Ok(Event {
        source: order.source,
        position: 0,
        id: order.event_id,
        event_type: order.event_type,
        org_id: order.org_id,
        entity_rid: order.entity_rid,
        payload: Arc::new(payload),
        created_at: order.event_created_at,
        trace_parent: None,
    })
}

fn report_from_log(log: &DeliveryLog) -> CommandReport {
    let last = log.attempts.last();
    CommandReport {
        outcome: match log.status {
            DeliveryStatus::Success => CommandOutcome::Delivered,
            DeliveryStatus::Skipped => CommandOutcome::Skipped,
            DeliveryStatus::Retrying => CommandOutcome::Retryable,
            DeliveryStatus::Failed | DeliveryStatus::Abandoned => CommandOutcome::Refused,
        },
        error: log.error.clone(),
        response_status: last.and_then(|attempt| attempt.response_status),
        retry_after: last
            .and_then(|attempt| attempt.failure.as_ref())
            .and_then(|failure| failure.retry_after),
        log_id: log.id,
    }
}
