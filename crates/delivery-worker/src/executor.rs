//! Executes one delivery: transforms the payload, sends it with retries, and returns the journal entry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ig_core::backoff::{Backoff, RetryDecision, retry_decision};
use ig_core::breaker::DeliveryResult;
use ig_core::clock::Clock;
use ig_core::delivery_log::{Attempt, TriggerType};
use ig_core::event::Event;
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use ig_delivery::{BreakerDecision, Deliverer, Message, Prepared, Token};
use ig_transform::{CompiledCondition, Refusal, Subject, TransformError, Transformer, WithConsole};
use tracing::Instrument as _;

use crate::compiled_integration::{CompiledAction, CompiledIntegration};
use crate::delivery_guards::{DeliveryGuards, RateLimitDecision};
use crate::delivery_record::{DeliveryOutcome, DeliveryRecord};
use crate::event_trace::EventTrace;
use crate::metrics;
use crate::names;
use crate::retention::Retention;
use crate::work_scope::{WorkEnded, WorkScope};

const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

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
    pub(crate) async fn execute(&self, task: &DeliveryTask<'_>) -> Result<JournalEntry, WorkEnded> {
        let span = tracing::info_span!(
            names::SPAN_DELIVERY,
            { names::ORG_ID } = task.event.org_id.0,
            { names::INTEGRATION_ID } = %task.compiled.integration.id,
            { names::MESSAGE_ID } = %task.message,
        );
        task.trace.adopt(&span);
        self.execute_in_span(task).instrument(span).await
    }

    async fn execute_in_span(&self, task: &DeliveryTask<'_>) -> Result<JournalEntry, WorkEnded> {
        let mut record = DeliveryRecord::start(task, self.clock.now());
        let action = self.action_to_send(task, &mut record).await?;
        let outcome = match action {
            Err(skipped @ DeliveryOutcome::Skipped(_)) => skipped,
            action if task.trigger == TriggerType::Manual => self.transform_and_send(task, action, &mut record).await?,
            action => self.send_behind_breaker(task, action, &mut record).await?,
        };
        Ok(self.entry(task, record, outcome))
    }

    /// A test delivery passes no breaker. All others do, and their outcomes count. A delivery that would fail before it is
    /// sent is held too: that failure may be the reason for the pause.
    async fn send_behind_breaker(
        &self,
        task: &DeliveryTask<'_>,
        action: Result<&CompiledAction, DeliveryOutcome>,
        record: &mut DeliveryRecord,
    ) -> Result<DeliveryOutcome, WorkEnded> {
        let (integration, message) = (task.compiled.breaker_subject(), task.message);
        let probe = match self.guards.breakers.admit(&integration, message).await {
            BreakerDecision::Send(probe) => probe,
            BreakerDecision::Hold(hold) => return Ok(DeliveryOutcome::Held(hold)),
        };
        let outcome = self.transform_and_send(task, action, record).await;
        let result = outcome.as_ref().map_or(DeliveryResult::Inconclusive, breaker_outcome);
        self.guards.breakers.record(&integration, message, result, probe).await;
        outcome
    }

    /// The entry of a delivery that sends nothing.
    pub(crate) fn skip_entry(&self, task: &DeliveryTask<'_>, reason: &'static str) -> JournalEntry {
        let record = DeliveryRecord::start(task, self.clock.now());
        self.entry(task, record, DeliveryOutcome::Skipped(reason))
    }

    /// The entry of a delivery that cannot be sent and that a retry would not help.
    pub(crate) fn failure_entry(&self, task: &DeliveryTask<'_>, failure: Failure) -> JournalEntry {
        let record = DeliveryRecord::start(task, self.clock.now());
        self.entry(task, record, DeliveryOutcome::Failed(failure))
    }

    /// The entry of a delivery whose event is gone.
    pub(crate) fn event_gone_entry(&self, task: &DeliveryTask<'_>, failure: Failure) -> JournalEntry {
        let record = DeliveryRecord::start(task, self.clock.now());
        self.entry(task, record, DeliveryOutcome::EventGone(failure))
    }

    fn entry(&self, task: &DeliveryTask<'_>, record: DeliveryRecord, outcome: DeliveryOutcome) -> JournalEntry {
        let (now, org) = (self.clock.now(), task.event.org_id);
        record.into_entry(
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
    ) -> Result<Result<&'a CompiledAction, DeliveryOutcome>, WorkEnded> {
        let action = match &task.compiled.actions[task.index] {
            Ok(action) => action,
            Err(reason) => {
                return Ok(Err(DeliveryOutcome::Failed(Failure::new(
                    ErrorCategory::Config,
                    reason.clone(),
                ))));
            }
        };
        for (condition, skip_reason) in &action.conditions {
            match self.evaluate_condition(task, condition, record).await? {
                Ok(true) => {}
                Ok(false) => return Ok(Err(DeliveryOutcome::Skipped(skip_reason))),
                Err(outcome) => return Ok(Err(outcome)),
            }
        }
        Ok(Ok(action))
    }

    async fn transform_and_send(
        &self,
        task: &DeliveryTask<'_>,
        action: Result<&CompiledAction, DeliveryOutcome>,
        record: &mut DeliveryRecord,
    ) -> Result<DeliveryOutcome, WorkEnded> {
        let action = match action {
            Ok(action) => action,
            Err(outcome) => return Ok(outcome),
        };
        match self.transform(task, action, record).await? {
            Ok(Some(body)) => self.send_until_settled(task, action, body, record).await,
            Ok(None) => Ok(DeliveryOutcome::Skipped("the script returned null")),
            Err(outcome) => Ok(outcome),
        }
    }

    async fn evaluate_condition(
        &self,
        task: &DeliveryTask<'_>,
        condition: &CompiledCondition,
        record: &mut DeliveryRecord,
    ) -> Result<Result<bool, DeliveryOutcome>, WorkEnded> {
        let subject = self.subject(task);
        let began = Instant::now();
        let attempt = || self.transformer.evaluate_condition(condition, &task.event.payload, &subject);
        let (result, console) = retry_until_available(task.scope, attempt).await?;
        let result = result.map_err(|error| (to_failure(&error), error));
        record.condition_evaluated(began.elapsed(), result.as_ref().map_err(|(failure, _)| failure), console);
        Ok(result.map_err(|(failure, error)| self.transform_failure_outcome(failure, &error)))
    }

    /// Transforms the payload; none means that there is nothing to send.
    async fn transform(
        &self,
        task: &DeliveryTask<'_>,
        action: &CompiledAction,
        record: &mut DeliveryRecord,
    ) -> Result<Result<Option<Bytes>, DeliveryOutcome>, WorkEnded> {
        let subject = self.subject(task);
        let began = Instant::now();
        let attempt = || self.transformer.shape(&action.shape, &task.event.payload, &subject);
        let span = tracing::info_span!(names::SPAN_TRANSFORM);
        let (transformed, console) = retry_until_available(task.scope, attempt).instrument(span).await?;
        let transformed = transformed.map_err(|error| (to_failure(&error), error));
        record.payload_transformed(began.elapsed(), transformed.as_ref().map_err(|(failure, _)| failure), console);
        Ok(transformed.map_err(|(failure, error)| self.transform_failure_outcome(failure, &error)))
    }

    /// The outcome of a payload that could not be transformed. A disabled script says nothing about the payload, which waits until the
    /// script runs again.
    fn transform_failure_outcome(&self, failure: Failure, error: &TransformFailure) -> DeliveryOutcome {
        match error {
            TransformFailure::Refused(_) => DeliveryOutcome::Failed(failure),
            TransformFailure::Disabled(_, remaining) => DeliveryOutcome::ScriptDisabled {
                failure,
                until: self.clock.now() + *remaining,
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
    ) -> Result<DeliveryOutcome, WorkEnded> {
        let prepared = action.template.prepare(Message {
            id: task.message,
            correlation_id: task.trace.trace_id().to_owned(),
            trace_parent: None,
            body,
        });
        let mut may_refresh_token = true;
        loop {
            if let RateLimitDecision::NotBefore(until) = self
                .guards
                .rate_limits
                .acquire(&task.compiled.integration, task.scope)
                .await?
            {
                return Ok(DeliveryOutcome::RateLimited(until));
            }
            if !task.scope.is_active() {
                return Err(WorkEnded);
            }
            let (attempt, token) = self.send_attempt(task, &prepared, record).await;
            metrics::record_attempt(&attempt);
            let Some(failure) = record.attempt_finished(attempt) else {
                return Ok(DeliveryOutcome::Delivered);
            };
            if let Some(refused) = token
                && failure.category == ErrorCategory::Auth
                && std::mem::take(&mut may_refresh_token)
            {
                prepared.refuse_token(&refused, &self.deliverer);
                continue;
            }
            let max_attempts = u32::from(task.max_attempts);
            let next = retry_decision(
                &failure,
                record.attempts_made(),
                max_attempts,
                &self.backoff,
                &mut rand::rng(),
            );
            match next {
                RetryDecision::RetryIn(delay) => task.scope.sleep(delay).await?,
                RetryDecision::DeadLetter { due_in } => return Ok(DeliveryOutcome::Retryable { failure, due_in }),
                RetryDecision::GiveUp => return Ok(DeliveryOutcome::Failed(failure)),
            }
        }
    }

    async fn send_attempt(
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
    attempt: impl Fn() -> F,
) -> Result<(Result<T, TransformFailure>, Vec<String>), WorkEnded>
where
    F: Future<Output = WithConsole<T>>,
{
    let mut backoff = MIN_BACKOFF;
    loop {
        let WithConsole { result, console } = attempt().await;
        let reason = match result {
            Ok(value) => return Ok((Ok(value), console)),
            Err(TransformError::Refused(refusal)) => return Ok((Err(TransformFailure::Refused(refusal)), console)),
            Err(TransformError::Disabled(refusal, remaining)) => {
                return Ok((Err(TransformFailure::Disabled(refusal, remaining)), console));
            }
            Err(TransformError::Unavailable(reason)) => reason,
        };
        if !scope.is_active() {
            return Err(WorkEnded);
        }
        tracing::warn!(reason, "a payload cannot be given its shape yet; trying again");
        scope.sleep(backoff).await?;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

/// The outcome as the breaker counts it. A payload that cannot be transformed says nothing about the target, and neither does a delivery
/// that was held, limited or skipped. An address that is blocked or a configuration that cannot be sent counts: nothing arrives until a
/// person changes it.
fn breaker_outcome(outcome: &DeliveryOutcome) -> DeliveryResult {
    match outcome {
        DeliveryOutcome::Delivered => DeliveryResult::Delivered,
        DeliveryOutcome::Retryable { failure, .. } | DeliveryOutcome::Failed(failure)
            if failure.category != ErrorCategory::Transformation =>
        {
            DeliveryResult::Failed(failure.message.clone())
        }
        DeliveryOutcome::Retryable { .. }
        | DeliveryOutcome::Failed(_)
        | DeliveryOutcome::EventGone(_)
        | DeliveryOutcome::Held(_)
        | DeliveryOutcome::RateLimited(_)
        | DeliveryOutcome::ScriptDisabled { .. }
        | DeliveryOutcome::Skipped(_) => DeliveryResult::Inconclusive,
    }
}

fn to_failure(error: &TransformFailure) -> Failure {
    let (TransformFailure::Refused(refusal) | TransformFailure::Disabled(refusal, _)) = error;
    Failure::new(ErrorCategory::Transformation, refusal.to_string())
}
