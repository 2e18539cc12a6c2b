//! Executes one delivery: transforms the payload, sends it with retries, and returns the journal entry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ig_core::backoff::{Backoff, Next, after_failure};
use ig_core::breaker::Ended;
use ig_core::clock::Clock;
use ig_core::delivery_log::{Attempt, TriggerType};
use ig_core::event::Event;
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use ig_delivery::{BreakerDecision, Deliverer, Message, Prepared, Token};
use ig_transform::{CompiledCondition, Refusal, Subject, TransformError, Transformer, WithConsole};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::compiled_integration::{CompiledAction, CompiledIntegration};
use crate::delivery_guards::{DeliveryGuards, RateLimitDecision};
use crate::delivery_record::{DeliveryRecord, Outcome};
use crate::event_trace::EventTrace;
use crate::metrics;
use crate::names;
use crate::retention::Retention;
use crate::tracker::Ticket;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a wait checks that its scope is still active.
const SCOPE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Executes deliveries.
pub(crate) struct DeliveryExecutor {
    deliverer: Deliverer,
    transformer: Transformer,
    guards: Arc<DeliveryGuards>,
    retention: Retention,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
}

/// One delivery to execute.
pub(crate) struct DeliveryTask<'a> {
    /// The event to deliver.
    pub event: &'a Event,
    /// The integration to deliver to.
    pub compiled: &'a CompiledIntegration,
    /// The action's index in the integration's sequence.
    pub index: usize,
    /// The id of the message.
    pub message: MessageId,
    /// The event's trace.
    pub trace: &'a EventTrace,
    /// What triggered the delivery.
    pub trigger: TriggerType,
    /// The most requests to send.
    pub max_attempts: u8,
    /// For how long the delivery may be worked on.
    pub scope: WorkScope<'a>,
}

/// For how long work may go on: until the worker stops or loses the event's partition.
#[derive(Clone, Copy)]
pub(crate) struct WorkScope<'a> {
    /// The event's share of its partition's progress, if it has one.
    pub ticket: Option<&'a Ticket>,
    /// Fires when the worker stops.
    pub stop: &'a CancellationToken,
}

impl WorkScope<'_> {
    /// Whether work may go on.
    pub(crate) fn is_active(self) -> bool {
        !self.stop.is_cancelled() && self.ticket.is_none_or(Ticket::is_valid)
    }

    /// Sleeps while the scope is active; fails once it ends.
    pub(crate) async fn sleep(self, delay: Duration) -> Result<(), Cancelled> {
        let began = Instant::now();
        while self.is_active() {
            let left = delay.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(left.min(SCOPE_CHECK_INTERVAL)) => {}
            }
        }
        Err(Cancelled)
    }
}

/// The worker stops or has lost the partition: the next holder takes the event up again.
#[derive(Debug)]
pub(crate) struct Cancelled;

impl DeliveryExecutor {
    pub(crate) fn new(
        deliverer: Deliverer,
        transformer: Transformer,
        guards: Arc<DeliveryGuards>,
        retention: Retention,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            deliverer,
            transformer,
            guards,
            retention,
            clock,
            backoff: Backoff::default(),
        })
    }

    /// Executes a delivery and returns its journal entry.
    pub(crate) async fn execute(&self, task: &DeliveryTask<'_>) -> Result<JournalEntry, Cancelled> {
        let span = tracing::info_span!(
            names::SPAN_DELIVERY,
            { names::ORG_ID } = task.event.org_id.0,
            { names::INTEGRATION_ID } = %task.compiled.integration.id,
            { names::MESSAGE_ID } = %task.message,
        );
        task.trace.adopt(&span);
        self.execute_in_span(task).instrument(span).await
    }

    async fn execute_in_span(&self, task: &DeliveryTask<'_>) -> Result<JournalEntry, Cancelled> {
        let mut record = DeliveryRecord::start(task, self.clock.now());
        let action = self.action_to_send(task, &mut record).await?;
        let outcome = match action {
            Err(skipped @ Outcome::Skipped(_)) => skipped,
            action if task.trigger == TriggerType::Manual => self.transform_and_send(task, action, &mut record).await?,
            action => self.send_behind_breaker(task, action, &mut record).await?,
        };
        Ok(self.finish(task, record, outcome))
    }

    /// A delivery by hand is always sent. All others pass the breaker, and their outcomes count. A delivery that would fail before it is
    /// sent is held too: that failure may be the reason for the pause.
    async fn send_behind_breaker(
        &self,
        task: &DeliveryTask<'_>,
        action: Result<&CompiledAction, Outcome>,
        record: &mut DeliveryRecord,
    ) -> Result<Outcome, Cancelled> {
        let (integration, message) = (task.compiled.guarded(), task.message);
        let probe = match self.guards.breakers.admit(&integration, message).await {
            BreakerDecision::Send(probe) => probe,
            BreakerDecision::Hold(hold) => return Ok(Outcome::Held(hold)),
        };
        let outcome = self.transform_and_send(task, action, record).await;
        let ended = outcome.as_ref().map_or(Ended::Untold, breaker_outcome);
        self.guards.breakers.record(&integration, message, ended, probe).await;
        outcome
    }

    /// The entry of a delivery that sends nothing.
    pub(crate) fn record_skip(&self, task: &DeliveryTask<'_>, reason: &'static str) -> JournalEntry {
        let record = DeliveryRecord::start(task, self.clock.now());
        self.finish(task, record, Outcome::Skipped(reason))
    }

    /// The entry of a delivery that cannot be sent and that a retry would not help.
    pub(crate) fn record_failure(&self, task: &DeliveryTask<'_>, failure: Failure) -> JournalEntry {
        let record = DeliveryRecord::start(task, self.clock.now());
        self.finish(task, record, Outcome::Failed(failure))
    }

    /// The entry of a delivery whose event is gone.
    pub(crate) fn record_event_gone(&self, task: &DeliveryTask<'_>, failure: Failure) -> JournalEntry {
        let record = DeliveryRecord::start(task, self.clock.now());
        self.finish(task, record, Outcome::EventGone(failure))
    }

    fn finish(&self, task: &DeliveryTask<'_>, record: DeliveryRecord, outcome: Outcome) -> JournalEntry {
        let (now, org) = (self.clock.now(), task.event.org_id);
        record.finish(
            outcome,
            now,
            self.retention.expires_at(Some(org), now),
            self.retention.retry_policy(org),
        )
    }

    /// The action if its conditions hold, else the outcome of the delivery.
    async fn action_to_send<'a>(
        &self,
        task: &DeliveryTask<'a>,
        record: &mut DeliveryRecord,
    ) -> Result<Result<&'a CompiledAction, Outcome>, Cancelled> {
        let action = match &task.compiled.actions[task.index] {
            Ok(action) => action,
            Err(reason) => return Ok(Err(Outcome::Failed(Failure::new(ErrorCategory::Config, reason.clone())))),
        };
        for (condition, otherwise) in &action.conditions {
            match self.evaluate(task, condition, record).await? {
                Ok(true) => {}
                Ok(false) => return Ok(Err(Outcome::Skipped(otherwise))),
                Err(outcome) => return Ok(Err(outcome)),
            }
        }
        Ok(Ok(action))
    }

    async fn transform_and_send(
        &self,
        task: &DeliveryTask<'_>,
        action: Result<&CompiledAction, Outcome>,
        record: &mut DeliveryRecord,
    ) -> Result<Outcome, Cancelled> {
        let action = match action {
            Ok(action) => action,
            Err(outcome) => return Ok(outcome),
        };
        match self.transform(task, action, record).await? {
            Ok(Some(body)) => self.send_until_settled(task, action, body, record).await,
            Ok(None) => Ok(Outcome::Skipped("the script returned null")),
            Err(outcome) => Ok(outcome),
        }
    }

    async fn evaluate(
        &self,
        task: &DeliveryTask<'_>,
        condition: &CompiledCondition,
        record: &mut DeliveryRecord,
    ) -> Result<Result<bool, Outcome>, Cancelled> {
        let subject = self.subject(task);
        let began = Instant::now();
        let ask = || self.transformer.evaluate_condition(condition, &task.event.payload, &subject);
        let (met, console) = retry_until_available(task.scope, ask).await?;
        let met = met.map_err(|error| (failure(&error), error));
        record.condition_evaluated(began.elapsed(), met.as_ref().map_err(|(failure, _)| failure), console);
        Ok(met.map_err(|(failure, error)| self.outcome_of(failure, &error)))
    }

    /// Transforms the payload; none means that there is nothing to send.
    async fn transform(
        &self,
        task: &DeliveryTask<'_>,
        action: &CompiledAction,
        record: &mut DeliveryRecord,
    ) -> Result<Result<Option<Bytes>, Outcome>, Cancelled> {
        let subject = self.subject(task);
        let began = Instant::now();
        let ask = || self.transformer.shape(&action.shape, &task.event.payload, &subject);
        let span = tracing::info_span!(names::SPAN_TRANSFORM);
        let (transformed, console) = retry_until_available(task.scope, ask).instrument(span).await?;
        let transformed = transformed.map_err(|error| (failure(&error), error));
        record.payload_transformed(began.elapsed(), transformed.as_ref().map_err(|(failure, _)| failure), console);
        Ok(transformed.map_err(|(failure, error)| self.outcome_of(failure, &error)))
    }

    /// The outcome of a payload that could not be transformed. A disabled script says nothing about the payload, which waits until the
    /// script runs again.
    fn outcome_of(&self, failure: Failure, error: &TransformFailure) -> Outcome {
        match error {
            TransformFailure::Refused(_) => Outcome::Failed(failure),
            TransformFailure::Disabled(_, left) => Outcome::ScriptDisabled {
                failure,
                until: self.clock.now() + *left,
            },
        }
    }

    fn subject<'a>(&self, task: &'a DeliveryTask<'_>) -> Subject<'a> {
        Subject {
            org_id: task.event.org_id,
            entity_rid: task.event.entity_rid,
            integration: task.compiled.integration.id,
            event_type: &task.event.event_type,
            now: self.clock.now(),
        }
    }

    async fn send_until_settled(
        &self,
        task: &DeliveryTask<'_>,
        action: &CompiledAction,
        body: Bytes,
        record: &mut DeliveryRecord,
    ) -> Result<Outcome, Cancelled> {
        let prepared = action.template.prepare(Message {
            id: task.message,
            correlation_id: task.trace.trace_id().to_owned(),
            trace_parent: None,
            body,
        });
        let mut may_refresh = true;
        loop {
            if let RateLimitDecision::NotBefore(until) = self
                .guards
                .rate_limits
                .acquire(&task.compiled.integration, task.scope)
                .await?
            {
                return Ok(Outcome::RateLimited(until));
            }
            if !task.scope.is_active() {
                return Err(Cancelled);
            }
            let (attempt, token) = self.attempt(task, &prepared, record).await;
            metrics::attempted(&attempt);
            let Some(failure) = record.attempt_finished(attempt) else {
                return Ok(Outcome::Delivered);
            };
            if let Some(refused) = token
                && failure.category == ErrorCategory::Auth
                && std::mem::take(&mut may_refresh)
            {
                prepared.refuse_token(&refused, &self.deliverer);
                continue;
            }
            let allowed = u32::from(task.max_attempts);
            let next = after_failure(&failure, record.attempts_made(), allowed, &self.backoff, &mut rand::rng());
            match next {
                Next::RetryIn(delay) => task.scope.sleep(delay).await?,
                Next::DeadLetter { due_in } => return Ok(Outcome::Retryable { failure, due_in }),
                Next::GiveUp => return Ok(Outcome::Failed(failure)),
            }
        }
    }

    async fn attempt(
        &self,
        task: &DeliveryTask<'_>,
        prepared: &Prepared,
        record: &mut DeliveryRecord,
    ) -> (Attempt, Option<Token>) {
        let span = tracing::info_span!(
            names::SPAN_ATTEMPT,
            otel.kind = "client",
            ig.attempt = record.attempts_made() + 1
        );
        let prepared = prepared.with_trace_parent(task.trace.traceparent(&span));
        let exchange = prepared.sign(self.clock.now()).send(&self.deliverer).instrument(span).await;
        record.request_sent(exchange.request_headers, exchange.signature, exchange.body_error);
        (exchange.attempt, exchange.token)
    }
}

/// Why a payload could not be transformed or a condition not evaluated.
#[derive(Debug)]
pub(crate) enum TransformFailure {
    /// The rules or the script refuse the payload.
    Refused(Refusal),
    /// The script is disabled for this long.
    Disabled(Refusal, Duration),
}

/// Retries until the transformer answers. Missing script workers or unreadable lookup tables say nothing about a payload, so it waits.
pub(crate) async fn retry_until_available<T, F>(
    scope: WorkScope<'_>,
    ask: impl Fn() -> F,
) -> Result<(Result<T, TransformFailure>, Vec<String>), Cancelled>
where
    F: Future<Output = WithConsole<T>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let WithConsole { result, console } = ask().await;
        let reason = match result {
            Ok(value) => return Ok((Ok(value), console)),
            Err(TransformError::Refused(refusal)) => return Ok((Err(TransformFailure::Refused(refusal)), console)),
            Err(TransformError::Disabled(refusal, left)) => return Ok((Err(TransformFailure::Disabled(refusal, left)), console)),
            Err(TransformError::Unavailable(reason)) => reason,
        };
        if !scope.is_active() {
            return Err(Cancelled);
        }
        tracing::warn!(reason, "a payload cannot be given its shape yet; trying again");
        scope.sleep(pause).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The outcome as the breaker counts it. A payload that cannot be transformed says nothing about the target, and neither does a delivery
/// that was not sent.
fn breaker_outcome(outcome: &Outcome) -> Ended {
    match outcome {
        Outcome::Delivered => Ended::Delivered,
        Outcome::Retryable { failure, .. } | Outcome::Failed(failure) if failure.category != ErrorCategory::Transformation => {
            Ended::Failed(failure.message.clone())
        }
        Outcome::Retryable { .. }
        | Outcome::Failed(_)
        | Outcome::EventGone(_)
        | Outcome::Held(_)
        | Outcome::RateLimited(_)
        | Outcome::ScriptDisabled { .. }
        | Outcome::Skipped(_) => Ended::Untold,
    }
}

fn failure(error: &TransformFailure) -> Failure {
    let (TransformFailure::Refused(refusal) | TransformFailure::Disabled(refusal, _)) = error;
    Failure::new(ErrorCategory::Transformation, refusal.to_string())
}
