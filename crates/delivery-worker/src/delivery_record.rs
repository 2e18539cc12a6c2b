//! The record of one delivery: its log, execution trace and dead letter, built step by step.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DEFAULT_MAX_RETRIES, DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::delivery_log::{Attempt, DeliveryLog, DeliveryStatus, EventRef, ExecutionTrace, IntegrationRef, Step, TriggerType};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{Position, Rid};
use ig_core::integration::{Hold, LogLevel};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;

use crate::executor::DeliveryTask;
use crate::metrics;

/// How a delivery ended.
pub(crate) enum DeliveryOutcome {
    /// The target accepted it.
    Delivered,
    /// It may succeed later.
    Retryable {
        /// The last failure.
        failure: Failure,
        /// The delay the target asked for.
        due_in: Option<Duration>,
    },
    /// It would fail again.
    Failed(Failure),
    /// The event is not available any more.
    EventGone(Failure),
    /// Nothing was sent, since the integration's deliveries are held.
    Held(Hold),
    /// The integration's rate limit allows it no earlier than this.
    RateLimited(Timestamp),
    /// The integration's script is disabled.
    ScriptDisabled {
        /// The failure that the tenant reads.
        failure: Failure,
        /// When the script runs again.
        until: Timestamp,
    },
    /// Nothing was to be sent, for this reason.
    Skipped(&'static str),
}

/// What happened to one delivery so far.
pub(crate) struct DeliveryRecord {
    log: DeliveryLog,
    trace: ExecutionTrace,
    began: Instant,
    payload: Bytes,
    entity_rid: Rid,
    position: Option<Position>,
    log_level: LogLevel,
    /// Why the body of the last response broke off.
    body_error: Option<String>,
}

impl DeliveryRecord {
    /// Starts a record with what is known before anything is done.
    pub(crate) fn start(task: &DeliveryTask<'_>, now: Timestamp) -> Self {
        let (event, message_id, trace_id) = (task.event, task.message, task.trace.trace_id());
        let integration = &task.compiled.integration;
        let planned = integration.planned_actions();
        let action = planned[task.index];
        Self {
            log: DeliveryLog {
                id: message_id.log_id(event.created_at),
                message_id,
                org_id: event.org_id,
                integration: IntegrationRef {
                    id: integration.id,
                    name: integration.name.clone(),
                    action_name: action.name.map(str::to_owned),
                    action_index: action.index,
                },
                event: EventRef {
                    source: event.source.clone(),
                    id: event.id.clone(),
                    event_type: event.event_type.clone(),
                    created_at: event.created_at,
                },
                direction: task.compiled.direction,
                trigger: task.trigger,
                status: DeliveryStatus::Success,
                target: action.target.clone().into(),
                attempts: Vec::new(),
                error: None,
                original_payload: None,
                request_payload: None,
                request_headers: HeaderLines::default(),
                signature: None,
                correlation_id: trace_id.to_owned(),
                trace_id: trace_id.to_owned(),
                created_at: now,
                delivered_at: None,
                expires_at: now,
            },
            trace: ExecutionTrace::default(),
            began: Instant::now(),
            payload: event.payload.raw.clone(),
            entity_rid: event.entity_rid,
            // An order has no position, and no source begins at zero.
            position: Some(event.position).filter(|position| *position > 0),
            log_level: integration.log_level,
            body_error: None,
        }
    }

    /// How many requests were sent.
    pub(crate) fn attempts_made(&self) -> u32 {
        u32::try_from(self.log.attempts.len()).unwrap_or(u32::MAX)
    }

    /// A condition was evaluated, or failed.
    pub(crate) fn condition_evaluated(&mut self, took: Duration, met: Result<&bool, &Failure>, console: Vec<String>) {
        let detail = met.map_or_else(|failure| failure.message.clone(), bool::to_string);
        self.trace.console.extend(console);
        self.add_step("condition", took, detail);
    }

    /// The payload was transformed, or failed to be.
    pub(crate) fn payload_transformed(
        &mut self,
        took: Duration,
        transformed: Result<&Option<Bytes>, &Failure>,
        console: Vec<String>,
    ) {
        let detail = match transformed {
            Ok(Some(body)) => format!("{} bytes", body.len()),
            Ok(None) => "nothing to send".to_owned(),
            Err(failure) => failure.message.clone(),
        };
        if let (Ok(Some(body)), LogLevel::Full) = (transformed, self.log_level)
            && *body != self.payload
        {
            self.log.request_payload = Some(body.clone());
        }
        self.trace.console.extend(console);
        self.add_step("transform", took, detail);
    }

    /// A request was sent with these headers, credentials masked; the body of its response may have broken off.
    pub(crate) fn request_sent(&mut self, headers: HeaderLines, signature: Option<String>, body_error: Option<String>) {
        self.body_error = body_error;
        self.log.request_headers = headers;
        self.log.signature = signature;
    }

    /// Adds a finished attempt; returns its failure, if it failed.
    pub(crate) fn attempt_finished(&mut self, attempt: Attempt) -> Option<Failure> {
        let failure = attempt.failure.clone();
        let detail = match (&failure, attempt.response_status) {
            (Some(failure), _) => failure.message.clone(),
            (None, Some(status)) => match self.body_error.take() {
                Some(body_error) => format!("HTTP {status}, and its body broke off: {body_error}"),
                None => format!("HTTP {status}"),
            },
            (None, None) => String::new(),
        };
        self.add_step("attempt", attempt.duration, detail);
        self.log.attempts.push(attempt);
        failure
    }

    fn add_step(&mut self, name: &'static str, duration: Duration, detail: String) {
        self.trace.steps.push(Step {
            name,
            offset: self.began.elapsed().saturating_sub(duration),
            duration,
            detail: Some(detail),
        });
    }

    /// Finishes the record as the entry for the journal.
    ///
    /// For a delivery that is to be retried, `policy` sets the first delay.
    pub(crate) fn into_entry(
        mut self,
        outcome: DeliveryOutcome,
        now: Timestamp,
        expires_at: Timestamp,
        policy: RetryPolicy,
    ) -> JournalEntry {
        self.log.expires_at = expires_at;
        let dead_letter = match outcome {
            DeliveryOutcome::Delivered => {
                self.log.delivered_at = Some(now);
                None
            }
            DeliveryOutcome::Skipped(reason) => {
                self.log.status = DeliveryStatus::Skipped;
                self.add_step("skip", Duration::ZERO, reason.to_owned());
                None
            }
            DeliveryOutcome::Retryable { failure, .. }
            | DeliveryOutcome::ScriptDisabled { failure, .. }
            | DeliveryOutcome::Failed(failure)
                if self.log.trigger == TriggerType::Manual =>
            {
                // A test delivery shows its failure; it becomes no dead letter.
                self.log.status = DeliveryStatus::Failed;
                self.log.error = Some((failure.category, failure.message));
                None
            }
            DeliveryOutcome::RateLimited(until) if self.log.trigger == TriggerType::Manual => {
                self.add_step("limit", Duration::ZERO, format!("no room before {until}"));
                self.log.status = DeliveryStatus::Failed;
                let message = "The integration's own limit left no room.".to_owned();
                self.log.error = Some((ErrorCategory::RateLimit, message));
                None
            }
            DeliveryOutcome::Held(hold) => {
                self.add_step("hold", Duration::ZERO, hold.reason.clone());
                self.log.status = DeliveryStatus::Retrying;
                let status = (DeadLetterStatus::PendingRetry, hold.cause.dead_letter_reason());
                Some(self.new_dead_letter(None, hold.reason, status, None, now))
            }
            DeliveryOutcome::RateLimited(until) => {
                let failure = Failure::new(ErrorCategory::RateLimit, "The integration's own limit left no room.");
                self.add_step("limit", Duration::ZERO, format!("no room before {until}"));
                let (log_status, status) = (DeliveryStatus::Retrying, DeadLetterStatus::PendingRetry);
                Some(self.fail(failure, log_status, status, DeadLetterReason::RateLimited, Some(until), now))
            }
            DeliveryOutcome::ScriptDisabled { failure, until } => {
                let (log_status, status) = (DeliveryStatus::Retrying, DeadLetterStatus::PendingRetry);
                Some(self.fail(
                    failure,
                    log_status,
                    status,
                    DeadLetterReason::ScriptDisabled,
                    Some(until),
                    now,
                ))
            }
            DeliveryOutcome::Retryable { failure, due_in } => {
                let reason = due_in.map_or(DeadLetterReason::AttemptsExhausted, |_| DeadLetterReason::RetryAfter);
                let due = now + policy.first_delay(due_in, &mut rand::rng());
                Some(self.fail(
                    failure,
                    DeliveryStatus::Retrying,
                    DeadLetterStatus::PendingRetry,
                    reason,
                    Some(due),
                    now,
                ))
            }
            DeliveryOutcome::Failed(failure) => Some(self.abandon(failure, DeadLetterReason::NotRetryable, now)),
            DeliveryOutcome::EventGone(failure) => {
                self.add_step("lose", Duration::ZERO, failure.message.clone());
                Some(self.abandon(failure, DeadLetterReason::EventGone, now))
            }
        };
        if self.log_level == LogLevel::Full && !self.payload.is_empty() {
            self.log.original_payload = Some(self.payload);
        }
        metrics::count_delivery(&self.log);
        JournalEntry::Delivery {
            log: Box::new(self.log),
            trace: self.trace,
            dead_letter: dead_letter.map(Box::new),
        }
    }

    fn abandon(&mut self, failure: Failure, reason: DeadLetterReason, now: Timestamp) -> DeadLetter {
        let (log_status, status) = (DeliveryStatus::Failed, DeadLetterStatus::Abandoned);
        self.fail(failure, log_status, status, reason, None, now)
    }

    /// Marks the log as failed and returns its dead letter.
    fn fail(
        &mut self,
        failure: Failure,
        log_status: DeliveryStatus,
        status: DeadLetterStatus,
        reason: DeadLetterReason,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> DeadLetter {
        self.log.status = log_status;
        self.log.error = Some((failure.category, failure.message.clone()));
        self.new_dead_letter(Some(failure.category), failure.message, (status, reason), due, now)
    }

    fn new_dead_letter(
        &self,
        category: Option<ErrorCategory>,
        last_error: String,
        (status, reason): (DeadLetterStatus, DeadLetterReason),
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> DeadLetter {
        DeadLetter {
            id: self.log.id,
            message_id: self.log.message_id,
            org_id: self.log.org_id,
            entity_rid: self.entity_rid,
            integration: self.log.integration.clone(),
            event: self.log.event.clone(),
            position: self.position,
            direction: self.log.direction,
            status,
            category,
            reason,
            original_payload: self.payload.clone(),
            target: self.log.target.clone(),
            last_error,
            attempt_count: self.attempts_made(),
            max_retries: DEFAULT_MAX_RETRIES,
            next_retry_at: due,
            trace_id: self.log.trace_id.clone(),
            created_at: now,
        }
    }
}
